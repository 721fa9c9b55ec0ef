"""The figures that the alarms watch, read once and published."""

import os
import shutil
import sys
import time
from pathlib import Path

import boto3

from services.__main__ import find_exchanges
from services.operator.health.health import Health, gather
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.configured import load_settings
from shared.process.state import WRITER
from shared.process.status import WriterReport, read

LIVE = "live"


def find_figures(
    health: Health,
    writer: WriterReport | None,
    *,
    flush_interval_s: float,
    disk_used_percent: float,
) -> dict[str, float]:
    """Return each figure by its name in the stack; one that is not known is left out.

    A writer that was just started has a whole period for its first flush.
    """
    feeds = [process for process in health.processes if process.exchange]
    # One live line is enough: during a handover the other is about to be, or was.
    down = {feed.exchange for feed in feeds} - {f.exchange for f in feeds if f.state == LIVE}
    figures = {
        "FeedsDown": float(len(down)),
        "BytesWaiting": float(
            health.spool_bytes + sum(j.bytes for j in health.journals if not j.is_delivered)
        ),
        "DiskUsedPercent": disk_used_percent,
    }
    if writer is not None:
        flushed = max(writer.ts_start, writer.last_flush_ts or 0)
        figures["FlushPeriodsMissed"] = (health.ts - flushed) / 1e9 / flush_interval_s
    return figures


def _used_percent(path: Path) -> float:
    usage = shutil.disk_usage(path)
    return 100 * (1 - usage.free / usage.total)


def main() -> int:
    """Read the figures and publish them; return the exit status."""
    settings = load_settings(find_exchanges(), os.environ)
    state = settings.state.path
    health = gather(state, Supervisor(socket_path(state)), now_ns=time.time_ns())
    figures = find_figures(
        health,
        read(settings.state.folder.report(WRITER), WriterReport),
        flush_interval_s=settings.writer.flush_interval_s,
        disk_used_percent=max(_used_percent(state), _used_percent(Path("/"))),
    )
    # From the environment that the stack wrote; the namespace is all that the role may publish in.
    boto3.client("cloudwatch").put_metric_data(
        Namespace=os.environ["BOOKTAPE_NAMESPACE"],
        MetricData=[{"MetricName": name, "Value": value} for name, value in figures.items()],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
