"""The receipt of an accepted window: what was judged, by the hashes of everything it rests on (issue of live-paper)."""

import hashlib
from pathlib import Path

from genesis_ops.checks.evidence import Evidence
from genesis_ops.collect.judgement import Judgement
from genesis_ops.errors import Refused
from genesis_ops.settings import Settings
from genesis_ops.state.champion import fingerprint
from genesis_ops.state.drill import told_drill
from genesis_ops.state.receipt import Receipt, write_receipt

_LOOK = "genesis-ops preflight"


def certify(settings: Settings, judgement: Judgement) -> Path:
    """Write the receipt of a report that ends with 0 next to the logs; the champion's hash is that of now.

    The runtime configuration is the newest that a decision in the window was made from, as the log has it.

    Raises:
        Refused: the champion cannot be read, so that nothing can be said of what was accepted.
        WriteFailed: the receipt did not reach the disk.
    """
    report, window = judgement.report, judgement.report.window
    if window is None:
        raise TypeError("a report without a window has no receipt")
    try:
        champion = fingerprint(settings.champion_file)
    except OSError as error:
        shown = settings.shown(settings.champion_file)
        raise Refused(
            f"no receipt: the champion {shown} cannot be read: {error.strerror}", next_command=_LOOK
        ) from None
    configurations = [hash_ for run in judgement.evidence.log.runs for hash_ in run.configurations]
    receipt = Receipt(
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        covered_seconds=window.covered_seconds,
        verdict=str(report.verdict),
        champion_file=settings.shown(settings.champion_file),
        champion_sha256=champion.sha256,
        runtime_config_hash=configurations[-1] if configurations else None,
        evidence_sha256=_hash(judgement.evidence),
        checks={check.id: str(check.outcome) for check in report.checks},
        version=report.version,
        market=report.market,
        written_ms=report.generated_ms,
        drilled=told_drill(settings.log_dir, report.version, report.generated_ms),
    )
    return write_receipt(settings.log_dir, receipt)


def _hash(evidence: Evidence) -> str:
    """Hash the telling lines of the window and the state that was held against them."""
    content = "\n".join((*evidence.log.texts, repr(evidence.state.state)))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
