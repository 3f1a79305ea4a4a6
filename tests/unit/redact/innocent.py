"""Thousands of lines that hold nothing secret, of the kinds that stand in evidence."""

import hashlib
import json
import random
import uuid
from collections.abc import Iterator

from genesis_ops.runlog import events
from genesis_ops.words import stamp

NAME = "paper_trading_runner"
FIXED = """
token bucket refilled
no key
secret: none
monkey=banana7
password: required
secret: not configured
authentication failed: connection refused
Unexpected token: '<!DOCTYPE' at position 0
invalid token: expected ',' or '}'
the key is in the champion: merged_config
sort key: confidence
"token_count": 512, "max_tokens": 4096
max_tokens=1000000
"secret": null, "token": "none", "password": ""
api_key=${BITFINEX_API_KEY}
BITFINEX_API_KEY=<your key>
password: ********
"api_secret": "***"
    client = Client(api_key=settings.api_key, secret=settings.api_secret)
    token = self._read_token(path)
    password=os.environ["DB_PASSWORD"]
basic authentication is not enabled
bearer token missing
http://127.0.0.1:8000/paper/whitelist
GET https://api-pub.bitfinex.com/v2/candles/trade:1h:tBTCUSD/hist?limit=120&sort=-1 HTTP/1.1
PWD=/work/genesis
OLDPWD=/home/genesis/logs
SSH_AUTH_SOCK=/tmp/ssh-abc/agent.812
key_file: /etc/genesis/api.key
author: John Smith <john@example.com>
session: paper_trading
cookie policy: strict
keyboard interrupt received
signature: valid
MainPID=812
ExecMainStartTimestamp=Wed 2026-02-04 13:03:20 UTC
Environment=TZ=UTC PYTHONUNBUFFERED=1 GENESIS_PORT=8000
EnvironmentFiles=/opt/genesis/.env (ignore_errors=no)
FragmentPath=/etc/systemd/system/genesis-paper.service
LoadState=loaded
✓ secrets  BITFINEX_API_KEY and BITFINEX_API_SECRET are set
-rw------- 1 genesis genesis 412 Feb  4 13:03 .env
LISTEN 0 2048 127.0.0.1:8000 0.0.0.0:* users:(("uvicorn",pid=812,fd=6))
100%|##########| 42/42 [00:01<00:00, 40.1it/s]
C:\\Users\\genesis\\logs\\runner.log
-----BEGIN CERTIFICATE-----
Traceback (most recent call last):
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
KeyError: 'candle_ts'
AttributeError: 'NoneType' object has no attribute 'token'
"""


def lines(count: int, seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    makers = (_log_line, _decision, _document, _unit, _traceback, _fixed)
    for number in range(count):
        yield makers[number % len(makers)](rng)


def _sha(rng: random.Random) -> str:
    return hashlib.sha256(rng.randbytes(8)).hexdigest()


def _log_line(rng: random.Random) -> str:
    types = [kind for kind in events.event_types() if kind is not events.DecisionContext]
    kind = rng.choice(types)
    values = {name: _field(rng, name, annotation) for name, annotation in kind.__annotations__.items()}
    return f"{_at(rng)} - {NAME} - {kind.level} - {kind(**values).message()}"


def _field(rng: random.Random, name: str, annotation: object) -> object:
    if annotation is float:
        return rng.uniform(1, 99999)
    if annotation in {int, int | None}:
        return rng.randrange(1770206400000)
    words = (
        "LONG",
        "previous",
        "connection refused",
        "timeout after 10s",
        "logs/paper_trading/runner_state.json",
        "12s",
    )
    return f"{_sha(rng)[:16]}" if name == "order" else rng.choice(words)


def _at(rng: random.Random) -> str:
    return stamp(1770206400000 + rng.randrange(42 * 86_400_000))


def _decision(rng: random.Random) -> str:
    context = {
        "action": "NONE",
        "candle_ts": rng.randrange(1770206400000),
        "runtime_cfg_hash": _sha(rng),
        "champion": {"file": "config/champions/tBTCUSD_1h.json", "sha256": _sha(rng)},
        "confidence": rng.random(),
        "regime": "balanced",
        "idempotency_key": f"tBTCUSD:1h:{rng.randrange(10**13)}:LONG",
    }
    return f"{_at(rng)} - {NAME} - INFO - DECISION_CONTEXT: {json.dumps(context)}"


def _document(rng: random.Random) -> str:
    one = {"n": rng.randrange(999), "at": "2026-02-04T13:03:20.000Z", "kind": "armed", "sum": _sha(rng)[:16]}
    two = {"schema": "genesis-ops.receipt/1", "sha256": _sha(rng), "verdict": "PASS", "host": "paper-1"}
    three = {
        "run_id": str(uuid.UUID(int=rng.getrandbits(128))),
        "git": _sha(rng)[:40],
        "price": f"{rng.random() * 1e5:.2f}",
    }
    four = f"{_sha(rng)}  bundle/logs/runner_20260204.log"
    return rng.choice([*(json.dumps(document) for document in (one, two, three)), four])


def _unit(rng: random.Random) -> str:
    said = rng.choice(
        (
            "Started genesis-paper.service - Genesis paper trading runner.",
            f'INFO:     127.0.0.1:{rng.randrange(65536)} - "POST /strategy/evaluate HTTP/1.1" 200 OK',
            f"InvocationID={rng.getrandbits(128):032x}",
            f"commit {_sha(rng)[:40]} Merge branch 'phase3/paper'",
            f"ts={rng.randrange(10**13)} open={rng.uniform(1, 99999):.1f} close={rng.uniform(1, 99999):.1f} +00:00",
        ),
    )
    return f"Feb 04 13:03:20 paper-1 genesis-api[{rng.randrange(9999)}]: {said}"


def _traceback(rng: random.Random) -> str:
    file = rng.choice(("runner/loop.py", "clients/http.py", "site-packages/httpx/_client.py", "token/handler.py"))
    told = rng.choice(("in evaluate", "in get_token", "in _session_key", "in <module>"))
    return f'  File "/opt/genesis/.venv/lib/python3.11/{file}", line {rng.randrange(999)}, {told}'


def _fixed(rng: random.Random) -> str:
    line = rng.choice(FIXED.strip().split("\n"))
    return line if rng.random() < 0.5 else f"{_at(rng)} - {NAME} - INFO - {line}"
