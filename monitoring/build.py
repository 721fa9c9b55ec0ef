"""Builds dashboard.json for Grafana: python monitoring/build.py > monitoring/dashboard.json."""

import json
import sys
from typing import Any, NamedTuple

COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${source}"}


class Panel(NamedTuple):
    """One panel: a figure, or lines over time; its lines are called by `legend`."""

    title: str
    expression: str
    unit: str
    legend: str = ""
    is_figure: bool = False
    is_bad_above_0: bool = False
    says: str = ""


PANELS = (
    Panel(
        "Not well",
        "booktape_troubles",
        "short",
        is_figure=True,
        is_bad_above_0=True,
        says="What `booktape status` complains of, which says more of each.",
    ),
    Panel(
        "Books not live",
        'sum(booktape_feed_symbols{state="wanted"}) - sum(booktape_feed_symbols{state="live"})',
        "short",
        is_figure=True,
        is_bad_above_0=True,
    ),
    Panel(
        "Since the last data",
        "time() - min(booktape_feed_last_data_timestamp_seconds)",
        "s",
        is_figure=True,
    ),
    Panel(
        "The oldest flush waits",
        "booktape_upload_waiting_seconds",
        "s",
        is_figure=True,
        says="For the store; 0: none does.",
    ),
    Panel("Room on the disk", "booktape_disk_free_bytes", "bytes", is_figure=True),
    Panel(
        "Memory of all",
        "sum(booktape_process_proportional_memory_bytes)",
        "bytes",
        is_figure=True,
        says="Of shared pages each process counts its share.",
    ),
    Panel(
        "Messages",
        "sum by (exchange) (rate(booktape_feed_messages_total[$__rate_interval]))",
        "reqps",
        "{{exchange}}",
    ),
    Panel(
        "Incidents an hour",
        "sum by (exchange, kind) (increase(booktape_feed_incidents_total{kind!~"
        '"connected|subscribed|session_start|session_end|audit|status"}[1h])) > 0',
        "short",
        "{{exchange}} {{kind}}",
        says="Rows of feed_events, without those that are usual.",
    ),
    Panel(
        "Delay behind the exchange",
        "max by (exchange) (booktape_feed_delay_seconds)",
        "s",
        "{{exchange}}",
        says="By the exchange's own clock.",
    ),
    Panel(
        "Events on their way to the tape",
        "sum by (exchange) (booktape_feed_unstored_events)",
        "short",
        "{{exchange}}",
        says="In the journal, and not committed by the writer.",
    ),
    Panel(
        "Audits an hour, and books that differed",
        "sum by (exchange, kind) ("
        'increase(booktape_feed_incidents_total{kind=~"audit|mismatch"}[1h]))',
        "short",
        "{{exchange}} {{kind}}",
    ),
    Panel("Waits for the store", "booktape_spool_bytes", "bytes", "spool"),
    Panel(
        "Uploads",
        "rate(booktape_upload_bytes_total[$__rate_interval])",
        "Bps",
        "stored",
    ),
    Panel(
        "CPU of each process",
        "rate(booktape_process_cpu_seconds_total[$__rate_interval])",
        "percentunit",
        "{{process}}",
    ),
    Panel(
        "Memory of each process",
        "booktape_process_proportional_memory_bytes",
        "bytes",
        "{{process}}",
    ),
)


def build() -> dict[str, Any]:
    """Return the dashboard as Grafana keeps one."""
    figures = [panel for panel in PANELS if panel.is_figure]
    lines = [panel for panel in PANELS if not panel.is_figure]
    width = COLUMNS // len(figures)
    placed = [_place(p, width * at, 0, width, 4) for at, p in enumerate(figures)]
    placed += [_place(p, 12 * (at % 2), 4 + 8 * (at // 2), 12, 8) for at, p in enumerate(lines)]
    variable = {
        "name": "source",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }
    return {
        "uid": "booktape",
        "title": "booktape",
        "tags": ["booktape"],
        "timezone": "utc",
        "refresh": "30s",
        "schemaVersion": 36,
        "editable": True,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [variable]},
        "panels": [{"id": at, **panel} for at, panel in enumerate(placed, 1)],
    }


def _place(panel: Panel, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    colour = {"mode": "thresholds" if panel.is_figure else "palette-classic"}
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.is_bad_above_0:
        steps.append({"color": "red", "value": 1})
    thresholds = {"mode": "absolute", "steps": steps}
    return {
        "type": "stat" if panel.is_figure else "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "color": colour, "thresholds": thresholds},
            "overrides": [],
        },
        "targets": [
            {
                "refId": "A",
                "datasource": SOURCE,
                "expr": panel.expression,
                "legendFormat": panel.legend or "__auto",
            }
        ],
    }


def write() -> str:
    """Return the file's text."""
    return json.dumps(build(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(write())
