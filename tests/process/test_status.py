"""What `booktape status` says of faults that no other test of processes brings about."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.operator.commands.simulators import Simulators
from services.operator.health.health import gather
from services.operator.supervision.supervisor import Supervisor
from shared.delivery.frame import encode
from shared.delivery.pipe import Publisher, endpoint, open_context
from shared.process.status import IngestReport, read
from tests.process.standing import WAIT_S, wait_until
from tests.process.writers import Feed, Writer
from tests.support.healths import find_sentences
from tests.support.simulators import booktape
from tests.support.writing import SESSION, make_book

pytestmark = pytest.mark.process

POINTS_MAX = 1000  # a minute, for one address; a ticker of all markets costs 25


def find_said(state: Path) -> str:
    health = gather(state, Supervisor(state / "none"), now_ns=time.time_ns())
    return "\n".join(find_sentences(health))


def is_live(status: Path) -> bool:
    report = read(status, IngestReport)
    return report is not None and report.state == "live"


@contextmanager
def run_ingest(folder: Path, websocket_url: str, rest_url: str) -> Iterator[Path]:
    """Record Bitvavo from there; return the state."""
    variables = {
        "BOOKTAPE__EXCHANGES__BITVAVO__SYMBOLS": "all",
        "BOOKTAPE__EXCHANGES__BITVAVO__STALE_AFTER_S": "2",
        "BOOKTAPE__EXCHANGES__BITVAVO__WEBSOCKET_URL": websocket_url,
        "BOOKTAPE__EXCHANGES__BITVAVO__REST_URL": rest_url,
        "BOOKTAPE__STATE__DISK_FREE_MIN_BYTES": "0",
    }
    ingest = booktape(folder, variables, "ingest", "bitvavo")
    try:
        yield folder / "var"
    finally:
        ingest.terminate()
        ingest.communicate(timeout=WAIT_S)


def spend_all_points(rest_url: str) -> None:
    """Ask until the exchange bans this address."""
    for _ in range(POINTS_MAX // 25 + 1):
        try:
            urllib.request.urlopen(f"{rest_url}/ticker/24h").close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            if refusal.code == 429:
                return
    pytest.fail("the exchange gives without end")


def test_a_feed_that_is_banned_says_for_how_long(tmp_path: Path) -> None:
    with Simulators() as simulators:
        address = simulators.start("bitvavo", [], environment=os.environ, log=tmp_path / "log")
        spend_all_points(address.rest_url)
        with run_ingest(tmp_path, address.websocket_url, address.rest_url) as state:
            wait_until(lambda: "bitvavo refuses requests for another " in find_said(state))
            assert " s; the feed waits by itself" in find_said(state)


def test_a_feed_that_falls_silent_says_so_until_it_is_live_again(tmp_path: Path) -> None:
    with Simulators() as simulators:
        address = simulators.start("bitvavo", [], environment=os.environ, log=tmp_path / "log")
        exchange = simulators._children["bitvavo"].pid
        with run_ingest(tmp_path, address.websocket_url, address.rest_url) as state:
            status = state / "status" / "ingest_bitvavo-a.json"
            wait_until(lambda: is_live(status))
            assert "ingest_bitvavo-a" not in find_said(state)
            os.kill(exchange, signal.SIGSTOP)
            try:
                wait_until(lambda: "ingest_bitvavo-a is connecting: 0 of 3" in find_said(state))
            finally:
                os.kill(exchange, signal.SIGCONT)
            wait_until(lambda: "ingest_bitvavo-a" not in find_said(state))


def test_a_flush_that_differs_from_what_is_stored_is_set_aside_and_told(tmp_path: Path) -> None:
    state, data = tmp_path / "var", tmp_path / "data"
    name = f"{SESSION}-000000000000-000000000009.parquet"
    place = data / "tape" / "book" / "exchange=toy" / "date=2024-10-04" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"of somebody else")
    feed, writer = Feed(state, SESSION), Writer(state, {"url": f"file:{data}"})
    try:
        writer.start(flush_rows=10)
        feed.record(10)
        said = "was the state restored, or the box cloned? compare "
        wait_until(lambda: f"{said}{state}/spool/conflict with the store" in find_said(state))
        assert 0 == writer.stop()
    finally:
        writer.close()
        feed.close()
    assert b"of somebody else" == place.read_bytes()


def test_a_journal_that_nobody_delivers_is_told_with_the_feed_that_would(tmp_path: Path) -> None:
    state = tmp_path / "var"
    feed, writer = Feed(state, SESSION), Writer(state, {"url": f"file:{tmp_path}/data"})
    feed.record(10)
    feed.close()
    try:
        writer.start()
        said = f"nobody delivers the journal of {SESSION}; start its feed: supervisorctl start "
        wait_until(lambda: f"{said}ingest_toy" in find_said(state))
        assert 0 == writer.stop()
    finally:
        writer.close()


def test_a_session_of_a_release_to_come_is_held_back_and_told(tmp_path: Path) -> None:
    state = tmp_path / "var"
    (state / "journal" / "toy" / SESSION).mkdir(parents=True)
    writer = Writer(state, {"url": f"file:{tmp_path}/data"})
    try:
        writer.start()
        with open_context() as context:
            publisher = Publisher(context, endpoint(state, "frames"))
            publisher.publish(encode(replace(make_book(0), version=99)))
            said = f"the writer holds back {SESSION}: frame version 99 is unknown to this release; "
            wait_until(
                lambda: (
                    said + "deploy a newer one; its journal keeps everything" in find_said(state)
                )
            )
            publisher.close()
        assert 0 == writer.stop()
    finally:
        writer.close()
