"""Nasty `.env` files as `EnvironmentFile=` of a service of a real systemd: the parser says the same of each."""

import base64
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from vm_machine import Machine

from genesis_ops.envfile.parse import parse

pytestmark = pytest.mark.vm

RECORDED = Path(__file__).parents[1] / "samples" / "env" / "recorded.jsonl"
_, *RECORDS = map(json.loads, RECORDED.read_text("utf-8").splitlines())
RAW = [record["raw"].encode("latin-1") for record in RECORDS]
UNIT = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
EnvironmentFile=/srv/env/%i
StandardOutput=truncate:/srv/env-of/%i
ExecStart=/usr/bin/env -0
"""
OF_SYSTEMD = {"PATH", "LANG", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID"}


def given_to_services(machine: Machine) -> dict[int, Mapping[str, bytes] | None]:
    """Start one service a file and give what each had; nothing where its systemd did not start it."""
    machine.ssh("sudo -n tar -xf - -C /srv --no-same-owner", stdin=packed())
    units = f"envfile@{{0..{len(RAW) - 1}}}"
    results, printed = machine.do(
        "rm -rf /srv/env-of; mkdir /srv/env-of\n"
        "cp /srv/envfile@.service /run/systemd/system/; systemctl daemon-reload\n"
        f"systemctl start --quiet {units} >/dev/null 2>&1 || true\n"
        f"systemctl show -P Result {units} | grep . | tr '\\n' ' '; echo; tar -C /srv/env-of -cf - . | base64 -w0\n"
    ).split("\n")
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(printed))) as tar:
        of = {entry.name: tar.extractfile(entry) for entry in tar if entry.isfile()}
        texts = {name: stream.read() for name, stream in of.items() if stream}
    succeeded = [result == "success" for result in results.split()]
    return {number: had(texts[f"./{number}"]) if well else None for number, well in enumerate(succeeded)}


def packed() -> bytes:
    """Put every file and the unit into one archive."""
    archive = io.BytesIO()
    files = {f"env/{number}": raw for number, raw in enumerate(RAW)} | {"envfile@.service": UNIT.encode()}
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, raw in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    return archive.getvalue()


def had(printed: bytes) -> Mapping[str, bytes]:
    """Read what a service printed of its environment, without what every service has."""
    entries = (entry.partition(b"=") for entry in printed.split(b"\0") if entry)
    return {name.decode(): value for name, _, value in entries if name.decode() not in OF_SYSTEMD}


def expected(raw: bytes) -> Mapping[str, bytes] | None:
    """Give what the parser says that the service gets."""
    parsed = parse(raw)
    if parsed.refused:
        return None
    return {name: value.reveal().encode("utf-8", "surrogateescape") for name, value in parsed.environment().items()}


def test_a_real_service_gets_of_each_of_290_files_what_the_parser_says(machine: Machine) -> None:
    real = given_to_services(machine)
    assert len(real) == len(RAW) > 250
    wrong = [number for number, raw in enumerate(RAW) if real[number] != expected(raw)]
    assert wrong == [], f"records {wrong} of {RECORDED.name} are read otherwise"
