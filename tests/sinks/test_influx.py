"""A sink feeds a real InfluxDB each row of a tape once, whatever fails on the way."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from booktape.commands.main import main as booktape
from booktape.keys import line_of
from services.sink import line_store
from services.sink.main import SinkProcess
from shared.process.settings import Settings, load
from shared.process.sinks import SINK_TABLES, SinkSettings
from tests.sinks.faults import FATES, FaultyProxy, stand_before
from tests.sinks.influx import Influx, serve
from tests.support.paths import ROOT
from tests.support.tape_reader import query

pytestmark = pytest.mark.sinks

STEPS_MAX = 3_000
LOSSES = 10  # of cursors
KILLS = 25
END_S = 180.0
BEGIN = "2026-01-01"
SEEDS = (1, 2, 3)
FIELDS = {
    "ticker": (
        "epoch_us(ts_event)",
        "bid_price",
        "bid_size",
        "ask_price",
        "ask_size",
        "last_price",
    ),
    "trades": ("epoch_us(ts_event)", "trade_id", "side", "price", "size"),
    "feed_events": ("kind", "sequence_expected", "sequence_received", "detail"),
}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return five minutes of two exchanges, with gaps and two lines."""
    folder = tmp_path_factory.mktemp("tape") / "tape"
    assert 0 == booktape(["sample", str(folder)])
    return folder


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    folder = tmp_path / "influx"
    folder.mkdir()
    with serve(folder) as influx:
        yield influx


def make_settings(folder: Path, tape: Path, url: str, **own: Any) -> Settings:
    settings = load({"BOOKTAPE__STORAGE__URL": f"file:{tape}"}, folder, exchanges={})
    return replace(settings, sinks={"x": SinkSettings(url=url, begin=BEGIN, **own)})


def expect(tape: Path, table: str) -> list[dict[str, Any]]:
    """Return the points that a table's rows are to be, read by DuckDB."""
    names = ["exchange", "symbol", "session", "event_number", "epoch_us(ts_recv)", *FIELDS[table]]
    found = []
    for values in query(tape, table, f"SELECT {', '.join(names)} FROM tape"):
        row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        ts, line = row.pop("epoch_us(ts_recv)"), line_of(row.pop("session"))
        ts_event = row.pop("epoch_us(ts_event)", None)
        known = {} if ts_event is None else {"ts_event": ts_event * 1000}
        time = ts * 1000 + row["event_number"] % 1000
        found.append({**row, **known, "line": line, "time": time})
    return found


def assert_each_row_is_there_once(influx: Influx, tape: Path) -> None:
    def place(row: dict[str, Any]) -> tuple[str, str, int, int]:
        return row["exchange"], row["line"], row["time"], row["event_number"]

    for table in SINK_TABLES:
        expected = expect(tape, table)
        assert expected
        assert sorted(expected, key=place) == sorted(influx.rows(table), key=place)


def test_what_is_fed_is_what_the_tape_has(tmp_path: Path, influx: Influx, tape: Path) -> None:
    url = f"{influx.url}/write?db=tape&precision=ns"
    settings = make_settings(tmp_path, tape, url)
    assert 0 == SinkProcess(settings, "x").run_once()
    assert_each_row_is_there_once(influx, tape)
    shutil.rmtree(settings.state.folder.sink("x").parent)
    assert 0 == SinkProcess(settings, "x").run_once()
    assert_each_row_is_there_once(influx, tape)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_is_there_once_though_requests_answers_and_cursors_are_lost(
    tmp_path: Path, influx: Influx, tape: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(line_store, "READ_TIMEOUT_S", 0.3)
    dice = Random(seed)
    with stand_before(influx, seed=seed, hangs=0.02) as proxy:
        settings = make_settings(tmp_path, tape, proxy.url)
        cursor = settings.state.folder.sink("x")
        kept, losses = b"", 0
        for _ in range(STEPS_MAX):
            if 0 == SinkProcess(settings, "x").run_once():
                break
            if losses < LOSSES and dice.random() < 0.2:
                losses += 1
                if kept and dice.random() < 0.8:
                    cursor.write_bytes(kept)  # as a disk that was set back
                else:
                    cursor.unlink()
            if dice.random() < 0.2:
                kept = cursor.read_bytes() if cursor.exists() else b""
        else:
            pytest.fail("it never came to an end")
        assert len(proxy.counts) > len(FATES) - 2, proxy.counts
        assert losses
    assert_each_row_is_there_once(influx, tape)


def test_each_row_is_there_once_though_the_process_is_killed_again_and_again(
    tmp_path: Path, influx: Influx, tape: Path
) -> None:
    dice = Random(7)
    with stand_before(influx, seed=7) as proxy:
        for _ in range(KILLS):
            child = start(tmp_path, tape, proxy)
            try:
                child.wait(dice.uniform(0.5, 3.0))
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
            child.wait()
        proxy.is_faulty = False
        assert 0 == start(tmp_path, tape, proxy, "--once").wait(END_S)
    assert_each_row_is_there_once(influx, tape)


def test_a_store_that_is_killed_and_comes_back_has_all_of_it(
    tmp_path: Path, influx: Influx, tape: Path
) -> None:
    url = f"{influx.url}/write?db=tape&precision=ns"
    settings = make_settings(tmp_path, tape, url)
    process = SinkProcess(settings, "x")
    influx.stop()
    assert 1 == process.run_once()
    influx.start()
    assert 0 == SinkProcess(settings, "x").run_once()
    assert_each_row_is_there_once(influx, tape)


def test_what_influx_refuses_is_told_in_its_words_and_fed_once_it_is_corrected(
    tmp_path: Path, influx: Influx, tape: Path
) -> None:
    settings = make_settings(tmp_path, tape, f"{influx.url}/write?db=other&precision=ns")
    assert_refused(settings, "database not found")
    settings = make_settings(tmp_path, tape, f"{influx.url}/write?db=tape&precision=ns")
    influx.ask(
        "CREATE RETENTION POLICY short ON tape DURATION 1h REPLICATION 1 DEFAULT", is_order=True
    )
    assert_refused(settings, "points beyond retention policy")
    influx.ask("ALTER RETENTION POLICY autogen ON tape DEFAULT", is_order=True)
    assert 0 == SinkProcess(settings, "x").run_once()
    assert_each_row_is_there_once(influx, tape)


def assert_refused(settings: Settings, reason: str) -> None:
    assert 1 == SinkProcess(settings, "x").run_once()
    report = settings.state.folder.report("sink_x").read_text()
    assert reason in report
    assert '"is_refused":true' in report
    assert '"flushes":0' in report


def start(folder: Path, tape: Path, proxy: FaultyProxy, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command as supervisord does."""
    own = {
        "BOOKTAPE__STORAGE__URL": f"file:{tape}",
        "BOOKTAPE__STATE__PATH": str(folder / "var"),
        "BOOKTAPE__SINKS__X__URL": proxy.url,
        "BOOKTAPE__SINKS__X__BEGIN": f'"{BEGIN}"',
    }
    command = [sys.executable, "-P", "-m", "services", "sink", "x", *arguments]
    with (folder / "sink.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **own},
            stdout=log,
            stderr=log,
        )
