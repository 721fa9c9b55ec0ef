"""Computes the figures that a box's alarms watch, from its health."""

import shutil
from pathlib import Path

from services.operator.health.health import Health
from services.operator.health.readiness import is_down
from services.operator.health.troubles import find_troubles
from shared.process.status import WriterReport


def find_figures(
    health: Health,
    writer: WriterReport | None,
    *,
    flush_interval_s: float,
    disk_used_percent: float,
    upload_age_s: float,
) -> dict[str, float]:
    """Return each known figure under the name that the stack's alarms use.

    A writer that has just started has a whole period for its first flush.
    """
    feeds = [process for process in health.processes if process.exchange]
    # One good line is enough: during a handover the other line starts or ends.
    down = {feed.exchange for feed in feeds} - {f.exchange for f in feeds if not is_down(f)}
    away = {silence.exchange for silence in health.silences}
    down -= {f.exchange for f in feeds if f.exchange in away and f.is_running and f.is_reporting}
    figures = {
        "Troubles": float(len(find_troubles(health))),
        "FeedsDown": float(len(down)),
        "BytesWaiting": float(
            health.spool_bytes + sum(j.bytes for j in health.journals if not j.is_delivered)
        ),
        "DiskUsedPercent": disk_used_percent,
        "UploadAgeSeconds": upload_age_s,
    }
    if writer is not None:
        flushed = max(writer.ts_start, writer.last_flush_ts or 0)
        figures["FlushPeriodsMissed"] = (health.ts - flushed) / 1e9 / flush_interval_s
    return figures


def find_upload_age_s(spool: Path, now_ns: int) -> float:
    """Return how long the oldest flush of the spool has waited for the store; 0 without one.

    A restart of the writer does not reset this age: it is that of the file.
    """
    written = []
    for manifest in spool.glob("*.json"):
        try:
            written.append(manifest.stat().st_mtime_ns)
        except FileNotFoundError:  # uploaded since it was listed
            continue
    return max(0.0, (now_ns - min(written, default=now_ns)) / 1e9)


def find_used_percent(path: Path) -> float:
    """Return the used share of a folder's disk, in percent."""
    usage = shutil.disk_usage(path)
    return 100 * (1 - usage.free / usage.total)
