#!/usr/bin/env bash
# The runbook's six checks of "STOP if FAIL", one after the other, as an operator would type them over the whole log.
# Usage: stop_conditions.sh LOG_DIR     It is the yardstick for speed; nobody reads its output here.
cd "$1" || exit 2
grep "NEW CANDLE CLOSE" runner_*.log | grep -oP 'ts=\K[0-9]+' | sort | uniq -c | grep -v '^\s*1 '
grep "ORDER SUBMITTED" runner_*.log
grep "Baseline fallback detected" runner_*.log
grep "NEW CANDLE CLOSE" runner_*.log | grep -oP 'ts=\K[0-9]+' | tail -10
python3 -c "import json; json.load(open('runner_state.json'))"
grep "FATAL" runner_*.log
exit 0
