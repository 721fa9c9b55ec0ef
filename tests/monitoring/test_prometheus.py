"""A real Prometheus scrapes a recording with faults: its counters are the tape's rows."""

import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from services.operator.metrics.feeds import KINDS
from shared.process.state import DASHBOARD, StateFolder
from shared.process.status import ServiceReport, read
from tests.monitoring.prometheus import Prometheus
from tests.process.collector import EXCHANGES, Collector
from tests.process.standing import wait_until
from tests.support import grafana
from tests.support.paths import ROOT
from tests.support.tape_reader import query

pytestmark = [pytest.mark.monitoring, pytest.mark.process]

SETTLE_S = 180.0
FAULTY = 'sum(booktape_feed_incidents_total{kind=~"gap|stale|malformed|crossed|disconnected"})'
FAULTS = {"bitvavo": ["--symbols", "10", "--faults", "all"], "btcturk": ["--symbols", "10"]}


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with Collector(tmp_path / "c", options=FAULTS) as collector:
        yield collector


def find_target(collector: Collector) -> str:
    report = read(StateFolder(collector.state).report(DASHBOARD), ServiceReport)
    address = report.address if report else None
    return (address or "").removeprefix("http://").rstrip("/")


def count_rows(collector: Collector, exchange: str, session: str, events: int) -> dict[str, int]:
    """Return how many rows of each kind the first events of a session are on the tape."""
    rows = query(
        collector.folder / "data",
        "feed_events",
        f"SELECT kind, count(*) FROM tape WHERE exchange = '{exchange}' "
        f"AND session = '{session}' AND event_number < {events} GROUP BY kind",
    )
    counts = {str(kind): int(count) for kind, count in rows}
    return {kind: counts.get(kind, 0) for kind in KINDS}


def count_scraped(prometheus: Prometheus, exchange: str) -> tuple[int, dict[str, int]]:
    """Return the events of a feed and its rows by kind, as one scrape had both."""
    names = "booktape_feed_(events|incidents)_total"
    found = prometheus.ask(f'{{__name__=~"{names}",exchange="{exchange}"}}')
    counts = {each["metric"].get("kind", ""): int(float(each["value"][1])) for each in found}
    return counts.pop("", 0), counts


def has_scraped(prometheus: Prometheus, exchange: str, events: int) -> bool:
    return count_scraped(prometheus, exchange)[0] >= events


def test_afterwards_each_counter_is_what_the_tape_holds(
    collector: Collector, tmp_path: Path
) -> None:
    collector.start()
    wait_until(lambda: bool(find_target(collector)))
    with Prometheus(tmp_path / "p", find_target(collector), port=find_free_port()) as prometheus:
        # From the first scrape on every kind is there.
        for exchange in EXCHANGES:
            find_kinds = partial(count_scraped, prometheus, exchange)
            wait_until(lambda find=find_kinds: set(KINDS) == set(find()[1]))  # type: ignore[misc]
        wait_until(lambda: (prometheus.value(FAULTY) or 0) > 5, seconds=SETTLE_S)
        collector.kill("ingest_btcturk-a")
        restarts = 'changes(booktape_process_start_time_seconds{process="ingest_btcturk-a"}[5m])'
        wait_until(lambda: prometheus.value(restarts) == 1)
        wait_until(collector.is_live, seconds=SETTLE_S)
        collector.simulators.quiesce()
        wait_until(lambda: collector.is_live() and collector.is_delivered(), seconds=SETTLE_S)
        sessions = {name: collector.ingest(f"ingest_{name}-a").session for name in EXCHANGES}
        for exchange in EXCHANGES:  # what is scraped is of some moments ago
            known = collector.ingest(f"ingest_{exchange}-a").events_total
            wait_until(lambda name=exchange, least=known: has_scraped(prometheus, name, least))  # type: ignore[misc]
        scraped = {name: count_scraped(prometheus, name) for name in EXCHANGES}
        for panel in grafana.load_builder().PANELS:
            expression = panel.expression.replace("$__rate_interval", "1m")
            assert prometheus.ask(expression) or "> 0" in expression, panel.title
        assert not {"BooktapeAbsent", "BooktapeNeedsAPerson"} & set(prometheus.alarms())
        assert prometheus.value("booktape_upload_objects_total")
    assert collector.recording.drain(on_wait=lambda _: None)
    for exchange, session in sessions.items():
        events, counted = scraped[exchange]
        assert events > 100
        assert count_rows(collector, exchange, session, events) == counted


def test_promtool_finds_no_fault_in_what_is_printed(collector: Collector) -> None:
    collector.start()
    wait_until(collector.is_live, seconds=SETTLE_S)
    text = collector.booktape("metrics").stdout
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert ("", 0) == (checked.stdout + checked.stderr, checked.returncode)


def test_the_rules_say_what_their_tests_expect() -> None:
    tests = ROOT / "monitoring" / "alerts_test.yml"
    ran = subprocess.run(
        ["promtool", "test", "rules", str(tests)], capture_output=True, check=False
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    expressions = [
        p.expression.replace("$__rate_interval", "1m") for p in grafana.load_builder().PANELS
    ]
    rules = [{"record": f"panel:{at}", "expr": text} for at, text in enumerate(expressions)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    ran = subprocess.run(
        ["promtool", "check", "rules", str(path)], capture_output=True, check=False
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr
