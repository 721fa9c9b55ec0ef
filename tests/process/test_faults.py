"""Faults of each kind, one after the other: `status` says what to do, and the tape has all."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.process.collector import FEEDS, PROCESSES, WRITER, Collector
from tests.process.standing import wait_until
from tests.soak.faults import (
    TORN,
    fill_disk,
    flip_bit,
    kill,
    kill_bucket,
    let_grow,
    stop_writer,
    tear_journal,
)
from tests.soak.world import Disk, World, make_world

pytestmark = [pytest.mark.process, pytest.mark.s3]

OPTIONS = {
    name: ["--symbols", "2", "--rate", "40", "--faults", "gap", "--fault-interval-s", "8"]
    for name in ("bitvavo", "btcturk")
}
CUT = "a journal's torn last record is cut off"


def expect(collector: Collector, words: str, *, end: Callable[[], object]) -> None:
    """Expect that `status` says so, and no longer once the fault has ended."""
    wait_until(lambda: words in collector.troubles())
    end()
    wait_until(lambda: words not in collector.troubles())


def wait_until_back(collector: Collector, *killed: int | None) -> None:
    """Wait until all run again, none of them one that was killed."""

    def are_back() -> bool:
        processes = {process.name: process for process in collector.health().processes}
        return all(
            name in processes
            and processes[name].is_reporting
            and processes[name].pid not in (None, *killed)
            for name in PROCESSES
        )

    wait_until(are_back)


def read_log(collector: Collector, program: str) -> list[dict[str, object]]:
    path = collector.state / "log" / f"{program}.log"
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def find_journals(collector: Collector, sessions: list[str]) -> list[str]:
    return [one.session for one in collector.health().journals if one.session in sessions]


def assert_well(world: World, *, has_hole: bool = False) -> None:
    world.collector.finish()
    verdicts = world.collector.prove(world.server)
    for exchange, verdict in verdicts.items():
        assert [] == verdict.faults, exchange
        assert verdict.sent > 100
        assert verdict.gaps
    assert has_hole == any(verdict.in_holes for verdict in verdicts.values())


def test_what_befalls_processes_journals_and_the_bucket_loses_nothing(tmp_path: Path) -> None:
    with make_world(tmp_path / "it", Random(1), is_https=True, options=OPTIONS) as world:
        collector = world.collector
        wait_until(collector.is_live)
        go_on = stop_writer(world)
        order = f"supervisorctl -c {collector.programs.conf} restart buffer_writer"
        expect(collector, f"if it hangs for minutes: {order}", end=go_on)
        expect(collector, "the store cannot be reached", end=kill_bucket(world))
        sessions = [collector.ingest(name).session for name in FEEDS]
        killed_all = [collector.kill(name) for name in PROCESSES]
        # What a feed takes for delivered must outlive the writer from that moment on.
        wait_until(lambda: not find_journals(collector, sessions))
        wait_until_back(collector, collector.kill(WRITER), *killed_all)
        stop_writer(world)  # and killed while it stands still
        killed = collector.pid(WRITER)
        kill(WRITER, world)
        wait_until_back(collector, killed)
        tear_journal(world)
        hit = flip_bit(world)
        assert hit is not None  # its events are gone, and those alone
        wait_until_back(collector)
        assert_well(world, has_hole=True)
        logs = [line for name in FEEDS for line in read_log(collector, name.removesuffix("-a"))]
        assert [len(TORN)] == [line["bytes"] for line in logs if CUT == line["message"]]
        damaged = [line for line in logs if line["message"] == "a journal is damaged"]
        assert [(str(hit[0]), hit[1])] == [(line["file"], line["offset"]) for line in damaged]


@pytest.mark.skipif(not Disk.is_possible(), reason="only root can make a small disk to fill")
def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path) -> None:
    with make_world(tmp_path / "it", Random(1), is_https=False, options=OPTIONS) as world:
        collector = world.collector
        wait_until(collector.is_live)
        assert 0 == collector.control("restart", WRITER).returncode
        assert 0 == collector.control("stop", WRITER).returncode
        start = partial(collector.control, "start", WRITER)
        order = f"supervisorctl -c {collector.programs.conf} start {WRITER}"
        expect(collector, f"{WRITER} was stopped; {order}", end=start)
        expect(
            collector,
            "ingest_btcturk-a has closed its feed: the disk is full; make room, or lower "
            "[state] disk_free_min_bytes",
            end=fill_disk(0.6, world),
        )
        wait_until(collector.is_live)
        start_bucket = kill_bucket(world)  # no upload makes room
        go_on = stop_writer(world)
        let_grow(world, "ingest_btcturk")  # and there is something to flush
        make_room = fill_disk(0.0, world)
        go_on()
        expect(
            collector,
            "the writer has no room to flush",
            end=make_room,
        )
        start_bucket()
        assert_well(world)
