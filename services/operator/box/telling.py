"""Publishes a box's figures once, telling CloudWatch."""

import time
from collections.abc import Mapping
from pathlib import Path

from services.operator.box.cloudwatch import publish
from services.operator.box.figures import find_figures, find_upload_age_s, find_used_percent
from services.operator.health.health import gather
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import Settings
from shared.process.state import WRITER
from shared.process.status import WriterReport, read

NAMESPACE_VARIABLE = "BOOKTAPE_NAMESPACE"


def run(settings: Settings, environment: Mapping[str, str]) -> int:
    """Read the box's figures and publish them; return 0."""
    state = settings.state.path
    now_ns = time.time_ns()
    figures = find_figures(
        gather(state, Supervisor(socket_path(state)), now_ns=now_ns),
        read(settings.state.folder.report(WRITER), WriterReport),
        flush_interval_s=settings.writer.flush_interval_s,
        disk_used_percent=max(find_used_percent(state), find_used_percent(Path("/"))),
        upload_age_s=find_upload_age_s(settings.state.folder.spool, now_ns),
    )
    # The stack wrote the environment; the box's role may publish in this namespace alone.
    publish(figures, namespace=environment[NAMESPACE_VARIABLE], cell=settings.state.cell)
    return 0
