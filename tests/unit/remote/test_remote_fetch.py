"""Papers from a host that cannot be trusted: what is no paper is written nowhere."""

import io
import tarfile
from pathlib import Path

import pytest

from genesis_ops.errors import Refused, Unreachable
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
    (root / "config").mkdir(parents=True)
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
    assert [path.name for path in settings.root.rglob("*")] == ["config"]


def test_a_paper_is_brought_to_its_place_and_asked_for_until_nothing_is_new(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, archive(GOOD, b"one"), archive("summaries/daily_summary_2026-02-05.md"), b"\0" * 10240)
    found = fetch(SERVER, settings, replace=False)
    place = place_of(GOOD, settings)
    assert place is not None
    assert place.read_bytes() == b"one"
    assert (len(found.written), found.kept, found.same) == (2, (), 0)


NOTHING = b"\0" * 10240
OTHER = Server(Ssh("other"), "/opt/g", "genesis", "/opt/g/ops/bin/genesis-ops")


def here(settings: Settings) -> Path:
    place = place_of(GOOD, settings)
    assert place is not None
    return place


def test_what_came_from_one_host_is_kept_when_another_has_a_paper_of_that_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(
        monkeypatch, archive(GOOD, b"one"), NOTHING, archive(GOOD, b"two"), NOTHING, archive(GOOD, b"three"), NOTHING
    )
    fetch(SERVER, settings, replace=False)
    found = fetch(OTHER, settings, replace=False)
    assert (found.written, found.kept) == ((), ((here(settings), "came from server"),))
    assert here(settings).read_bytes() == b"one"
    assert fetch(SERVER, settings, replace=False).written == (here(settings),)


def test_a_file_that_cannot_be_read_here_is_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = settings.root / "elsewhere"
    elsewhere.write_bytes(b"mine")
    here(settings).parent.mkdir(parents=True)
    here(settings).symlink_to(elsewhere)
    answers(monkeypatch, archive(GOOD, b"one"), NOTHING, archive(GOOD, b"one"), NOTHING)
    found = fetch(SERVER, settings, replace=False)
    assert (found.written, found.kept) == ((), ((here(settings), "is here, and cannot be read"),))
    assert here(settings).is_symlink()
    fetch(SERVER, settings, replace=True)
    assert here(settings).read_bytes() == b"one"
    assert elsewhere.read_bytes() == b"mine"


def test_an_interrupted_fetch_knows_afterwards_what_it_wrote(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = iter([archive(GOOD, b"one")])

    def cut(*_: object, **__: object) -> Answer:
        raw = next(rest, None)
        if raw is None:
            raise KeyboardInterrupt
        return Answer(0, raw, "")

    monkeypatch.setattr(fetching, "ask", cut)
    with pytest.raises(KeyboardInterrupt):
        fetch(SERVER, settings, replace=False)
    answers(monkeypatch, archive(GOOD, b"two"), NOTHING)
    assert fetch(SERVER, settings, replace=False).written == (here(settings),)


def test_what_is_the_same_here_is_known_as_that_hosts_from_then_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(settings).parent.mkdir(parents=True)
    here(settings).write_bytes(b"one")
    answers(monkeypatch, archive(GOOD, b"one"), NOTHING, archive(GOOD, b"two"), NOTHING)
    assert fetch(SERVER, settings, replace=False) == ((), (), 1)
    assert fetch(SERVER, settings, replace=False).written == (here(settings),)


def test_a_directory_that_is_no_root_does_not_become_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.root / "config").rmdir()
    answers(monkeypatch)
    with pytest.raises(Refused, match="no root"):
        fetch(SERVER, settings, replace=False)
    assert list(settings.root.iterdir()) == []
