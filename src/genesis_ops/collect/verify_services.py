"""Two looks at units and processes, a while apart; nothing is changed by either."""

from genesis_ops.checks.verify import HealthSeen
from genesis_ops.checks.verify_services import Running, ServicesSeen
from genesis_ops.clients import health, units
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.process import listeners, traders, uvicorns
from genesis_ops.collect.host import api_port
from genesis_ops.collect.server_log import bind_error
from genesis_ops.settings import Settings


def api(settings: Settings, clock: Clock) -> HealthSeen:
    """Ask the API how it is, and look who holds its port where that explains the answer.

    Raises:
        Refused: the address, or the environment's proxy for it, cannot be used.
    """
    port = api_port(settings.api_url)
    found = health.ask_health(settings.api_url, clock)
    error = None if port is None else bind_error(settings.log_dir, port)
    well = found.answer is health.Answer.OK and error is None
    return HealthSeen(settings, found, None if port is None or well else listeners(port), error)


def services(settings: Settings, clock: Clock, seconds: float) -> ServicesSeen:
    """Look twice, ``seconds`` apart."""
    port = api_port(settings.api_url)
    before = units.show(), _running(settings, port)
    began = clock.monotonic()
    while (left := began + seconds - clock.monotonic()) > 0:
        clock.wait(left)
    after = units.show(), _running(settings, port)
    return ServicesSeen(
        seconds=seconds,
        units=(before[0], after[0]),
        running=(before[1], after[1]),
        uvicorns=uvicorns(),
        port=port,
    )


def _running(settings: Settings, port: int | None) -> Running:
    found = traders(settings.log_dir, {}, settings.root)
    ours = tuple(trader.process for trader in found if trader.here or (trader.named and trader.runs))
    hidden = any(trader.here is None for trader in found)
    return Running(None if port is None else listeners(port), ours, hidden)
