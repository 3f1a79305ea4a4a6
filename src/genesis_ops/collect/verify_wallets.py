"""The wallets as they are and not as the API's cache shows them, beside the baseline and the journal (contract §4)."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from genesis_ops.checks.verify import WalletsSeen
from genesis_ops.checks.verify_delta import DeltaSeen, Expect
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.paper import CACHE_SECONDS, PaperApi, paper_pair
from genesis_ops.collect.journal import whole_journal
from genesis_ops.errors import GenesisError, PaperFailure, Unreachable
from genesis_ops.journal.wallet import currencies
from genesis_ops.settings import Settings
from genesis_ops.state.baseline import Baseline, baseline_file, read_baseline, record_baseline
from genesis_ops.state.operations import who
from genesis_ops.words import visible

PAST_CACHE_SECONDS = CACHE_SECONDS + 1.0
"""How far two readings lie apart, so that the later one is not out of the API's cache."""

_SECONDS = 10.0
_MOST_READINGS = 6


def read_wallets(settings: Settings, clock: Clock) -> Baseline:
    """Read the wallets until two readings past the API's cache say the same of the pair; 6 s if nothing moves.

    Raises:
        Refused: the market has no TEST pair, or the address cannot be used.
        Unreachable: the API does not tell them, they do not name what is paid with, or do not stand still.
    """
    pair = currencies(paper_pair(settings.symbol))
    with _paper(settings, clock) as paper:
        former = _reading(settings, paper, pair[1])
        for _ in range(_MOST_READINGS):
            _pass(clock, PAST_CACHE_SECONDS)
            found = _reading(settings, paper, pair[1])
            if all(found.get(name) == former.get(name) for name in pair):
                return Baseline(clock.now_ms(), who(), found)
            former = found
    raise Unreachable(
        f"the wallets do not stand still: {_MOST_READINGS} readings, {PAST_CACHE_SECONDS:.0f}s apart, and no two agree",
        notes=("somebody trades on this account at this moment",),
        next_command="genesis-ops orders list",
    )


def wallets_now(settings: Settings, clock: Clock) -> dict[str, float]:
    """Read the wallets once, to show them; they can be 5 s old.

    Raises:
        Refused: the market has no TEST pair, or the address cannot be used.
        Unreachable: as above.
    """
    with _paper(settings, clock) as paper:
        return _reading(settings, paper, currencies(paper_pair(settings.symbol))[1])


def recorded(settings: Settings, clock: Clock) -> tuple[WalletsSeen, Path | None]:
    """Read the wallets and put them in force as the baseline; the former one's new file, if there was one.

    Raises:
        Refused, Unreachable: as above; the former baseline is still in force.
        WriteFailed: it is not on the disk.
    """
    found = read_wallets(settings, clock)
    kept = record_baseline(settings.log_dir, found)
    return WalletsSeen(paper_pair(settings.symbol), _shown(settings), found), kept


def delta(settings: Settings, clock: Clock, expect: Expect | None = None) -> DeltaSeen:
    """Read the baseline, the wallets and, after them, the journal; what hinders that is part of what is found.

    Raises:
        Refused: the market has no TEST pair, or the address cannot be used.
    """
    symbol, file = paper_pair(settings.symbol), _shown(settings)
    seen = DeltaSeen(symbol, file, expect=expect)
    try:
        baseline = read_baseline(settings.log_dir)
        if baseline is None:
            why = "no baseline was recorded, so there is nothing to hold the wallets against"
            return seen._replace(trouble=why, remedy="genesis-ops verify wallets")
        now = read_wallets(settings, clock)
        orders = tuple(whole_journal(settings.log_dir).book.orders.values())
    except GenesisError as error:
        return seen._replace(trouble=visible(error.message), remedy=error.next_command)
    return seen._replace(baseline=baseline, now=now, orders=orders)


@contextmanager
def _paper(settings: Settings, clock: Clock) -> Iterator[PaperApi]:
    from genesis_ops.clients.http import Http

    with closing(Http(settings.api_url, clock, _SECONDS)) as http:
        yield PaperApi(http, lambda: http)


def _reading(settings: Settings, paper: PaperApi, quote: str) -> dict[str, float]:
    """Read them once; what nothing was ever in may not be named, but what the pair is paid with has to be."""
    try:
        found = paper.wallets()
    except PaperFailure as failure:
        raise Unreachable(
            f"the wallets cannot be read: {failure.message}",
            next_command=f"curl -fsS {settings.api_url}/account/wallets",
        ) from failure
    if quote not in found:
        named = ", ".join(sorted(found)) or "nothing"
        raise Unreachable(
            visible(f"the wallets name {named}, and not {quote}, which the pair is paid with"),
            next_command=f"curl -fsS {settings.api_url}/account/wallets",
        )
    return found


def _pass(clock: Clock, seconds: float) -> None:
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        clock.wait(left)


def _shown(settings: Settings) -> str:
    return visible(settings.shown(baseline_file(settings.log_dir)))
