"""Papers from a host that cannot be trusted: what is no paper is written nowhere."""

import io
import tarfile
from pathlib import Path

import pytest

from genesis_ops.errors import Unreachable
from genesis_ops.host.papers import place_of
from genesis_ops.remote import fetch as fetching
from genesis_ops.remote.fetch import fetch
from genesis_ops.remote.server import Server
from genesis_ops.remote.transport import Answer, Ssh
from genesis_ops.settings import Settings, load

SERVER = Server(Ssh("server"), "/opt/g", "genesis", "/opt/g/ops/bin/genesis-ops")
GOOD = "snapshots/snapshot_20260205_131002Z.txt"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    root = tmp_path / "root"
    root.mkdir()
    return load({"root": root}, {}, None).settings


def archive(name: str, raw: bytes = b"x", kind: bytes = tarfile.REGTYPE) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as made:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        member.size = len(raw) if kind == tarfile.REGTYPE else 0
        made.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def answers(monkeypatch: pytest.MonkeyPatch, *raws: bytes) -> None:
    rest = iter(raws)
    monkeypatch.setattr(fetching, "ask", lambda *_, **__: Answer(0, next(rest), ""))


@pytest.mark.parametrize(
    "raw",
    [
        archive("snapshots/../../../etc/cron.d/x"),
        archive("/etc/cron.d/x"),
        archive("snapshots/x.txt"),
        archive("logs/snapshot_20260205_131002Z.txt"),
        archive("summaries/daily_summary_2026-02-05.md\n"),
        archive(GOOD, kind=tarfile.SYMTYPE),
        archive(GOOD, kind=tarfile.LNKTYPE),
        archive(GOOD, kind=tarfile.DIRTYPE),
        archive(GOOD, kind=tarfile.CHRTYPE),
        b"nonsense" * 100,
    ],
)
def test_what_is_no_paper_is_refused_and_written_nowhere(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, raw: bytes
) -> None:
    answers(monkeypatch, raw)
    with pytest.raises(Unreachable, match="server sent"):
        fetch(SERVER, settings, replace=False)
    assert list(settings.root.rglob("*")) == []


def test_a_paper_is_brought_to_its_place_and_asked_for_until_nothing_is_new(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, archive(GOOD, b"one"), archive("summaries/daily_summary_2026-02-05.md"), b"\0" * 10240)
    found = fetch(SERVER, settings, replace=False)
    place = place_of(GOOD, settings)
    assert place is not None
    assert place.read_bytes() == b"one"
    assert (len(found.written), found.kept, found.same) == (2, (), 0)
