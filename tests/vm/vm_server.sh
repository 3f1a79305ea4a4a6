# Run as root on the machine: a Genesis-Core checkout with its origin beside it, as the service's user has it.
# The API is the sandbox behind the documented unit: `python -m uvicorn …` finds this checkout's own uvicorn first.
set -euo pipefail
core=/opt/genesis/Genesis-Core

install -d -o genesis -g genesis /srv/genesis-core.git "$core"
sudo -u genesis git init --quiet --bare --initial-branch=main /srv/genesis-core.git
sudo -u genesis bash -euo pipefail <<'AS_GENESIS'
cd /opt/genesis/Genesis-Core
git init --quiet --initial-branch=main
git config user.name genesis
git config user.email genesis@genesis-vm.invalid
git remote add origin /srv/genesis-core.git
printf 'logs/\n.env\n.env.*\n.venv\n__pycache__/\n' >.gitignore
mkdir -p config/strategy/champions uvicorn src/core docs/paper_trading/daily_summaries logs/paper_trading
touch src/core/__init__.py docs/paper_trading/daily_summaries/README.md
cat >config/genesis-ops.toml <<FILE
exchange_url = "http://127.0.0.1:8000"
phase_start = "$(date -u +%F)"
phase_end = "$(date -u -d '41 days' +%F)"
FILE
cat >config/strategy/champions/tBTCUSD_1h.json <<'FILE'
{"symbol": "tBTCUSD", "timeframe": "1h", "strategy_family": "rehearsal", "merged_config": {"strategy_family": "rehearsal", "risk": {"risk_map": [[0.5, 0.015]]}}}
FILE
cat >uvicorn/__main__.py <<'FILE'
import sys

from genesis_ops.__main__ import main

sys.argv = ["genesis-ops", "sandbox", "serve", "--port", sys.argv[sys.argv.index("--port") + 1]]
main()
FILE
echo one >VERSION
(umask 077 && printf 'BITFINEX_API_KEY=zq7Xk2Wv9\nBITFINEX_API_SECRET=Tr5bN8mQ2\n' >.env)
ln -sfn /opt/genesis/genesis-ops .venv
git add --all
git commit --quiet --message="Begin"
git push --quiet --set-upstream origin main
AS_GENESIS
