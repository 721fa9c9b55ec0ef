"""A tape in a bucket is read as one in a folder is, in few requests."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import booktape
from booktape.ledger import Ledger
from booktape.segments import segment
from booktape.store.s3 import S3Store
from tests.support.hand_tape import BTC, A, HandTape, at, checkpoint, delta, feed, snapshot, ticker
from tests.support.s3_server import BUCKET, REGION, S3

pytestmark = pytest.mark.s3
MARKET = f"bitvavo:{BTC}"
REQUESTS_MAX = 45
FOOTERS_MAX = 8  # each asked for by itself, of segments that are too large to come whole
IN_SEQUENCE_MAX = 15
MORNING = -43_000  # seconds from noon: shortly after midnight
FLUSHES, FLUSHES_OF_A_DAY, FLUSHES_OF_AN_HOUR = 60, 280, 12
CALLS = ("get", "get_range", "head", "list", "folders")


@pytest.fixture(autouse=True)
def _environment(any_s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in any_s3.reach(tmp_path).items():
        monkeypatch.setenv(name, value)


def counted(found: list[str], name: str, alone: list[str] | None = None) -> object:
    """Return a method that is counted; `alone` has those that nothing is asked beside."""
    method = getattr(S3Store, name)

    def call(store: S3Store, key: str, *rest: int) -> object:
        found.append(f"{name} {key}")
        if alone is not None and threading.current_thread() is threading.main_thread():
            alone.append(f"{name} {key}")
        return method(store, key, *rest)

    return call


def make_tape(root: Path, flushes: int = FLUSHES, since: int = 0) -> HandTape:
    tape = HandTape(root)
    for number in range(flushes):
        second = since + 300 * number
        is_hour = number % FLUSHES_OF_AN_HOUR == 0
        book = checkpoint if number else snapshot
        begin = [book(second, 0, ("bid", 1.0, 1.0 + number))] if is_hour else []
        events = [*begin, delta(second + 1, 0, ("ask", 2.0, 1.0 + number)), ticker(second + 299)]
        tape.write(A, *events)
    end = since + 300 * flushes
    tape.write(A, feed(end, "session_end", reason="stopped", events=1))
    return tape


def upload(server: S3, root: Path, prefix: str) -> None:
    client = server.client()
    for path in root.rglob("*.*"):
        key = f"{prefix}/{path.relative_to(root)}"
        client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


def open_bucket(server: S3, prefix: str, cache: Path | None = None) -> booktape.Tape:
    url = f"s3://{BUCKET}/{prefix}"
    return booktape.open(url, region=REGION, endpoint_url=server.url, cache=cache)


@pytest.fixture
def day(any_s3: S3, tmp_path: Path) -> Path:
    """Put a day of 280 files into the bucket."""
    upload(any_s3, make_tape(tmp_path / "tape", FLUSHES_OF_A_DAY, MORNING).root, tmp_path.name)
    return tmp_path


def test_a_bucket_gives_the_answers_of_a_folder(any_s3: S3, tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape")
    upload(any_s3, tape.root, tmp_path.name)
    here, there = booktape.open(tape.root), open_bucket(any_s3, tmp_path.name)
    for scan in ("book", "feed_events"):
        assert here.scan(scan).to_arrow().equals(there.scan(scan).to_arrow())
    assert here.coverage().to_arrow().equals(there.coverage().to_arrow())
    for second in (0, 1, 299, 3600, 7777, 17_999):
        assert here.book_at(MARKET, at(second)) == there.book_at(MARKET, at(second))
    with pytest.raises(booktape.NotKnown, match="stopped"):
        there.book_at(MARKET, at(300 * FLUSHES))


def test_a_book_takes_few_requests_and_none_that_the_cache_has(
    any_s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in CALLS:
        monkeypatch.setattr(S3Store, name, counted(calls, name))
    upload(any_s3, make_tape(tmp_path / "tape").root, tmp_path.name)
    moment = at(300 * 31 + 7)  # seven flushes behind a checkpoint
    wanted = open_bucket(any_s3, tmp_path.name).book_at(MARKET, moment)
    assert len(calls) <= REQUESTS_MAX, calls
    for _ in range(2):
        calls.clear()
        cached = open_bucket(any_s3, tmp_path.name, tmp_path / "cache")
        assert wanted == cached.book_at(MARKET, moment)
    assert {"folders", "list"} == {call.split()[0] for call in calls}


@pytest.mark.parametrize("behind", [1, 11])
@pytest.mark.parametrize("way", ["whole", "by ranges"])
def test_a_book_of_a_day_of_many_files_takes_few_requests_in_sequence(
    any_s3: S3, day: Path, monkeypatch: pytest.MonkeyPatch, way: str, behind: int
) -> None:
    if way == "by ranges":
        monkeypatch.setattr(segment, "WHOLE_BYTES_MAX", 0)
        monkeypatch.setattr(segment, "SMALL_BYTES_MAX", 0)
    calls: list[str] = []
    alone: list[str] = []
    for name in CALLS:
        monkeypatch.setattr(S3Store, name, counted(calls, name, alone))
    gather = Ledger.gather

    def gather_counted(ledger: Ledger, work: Any, items: Sequence[Any]) -> list[Any]:
        if len(items) > 1:
            alone.append("several")  # at once, by other threads
        return gather(ledger, work, items)

    monkeypatch.setattr(Ledger, "gather", gather_counted)
    moment = at(MORNING + 300 * (FLUSHES_OF_AN_HOUR * 9 + behind) + 7)  # behind a checkpoint
    book = open_bucket(any_s3, day.name).book_at(MARKET, moment)
    assert len(calls) <= REQUESTS_MAX + (way == "by ranges") * FOOTERS_MAX, calls
    assert len(alone) <= IN_SEQUENCE_MAX, alone
    assert 1 == book.bids.num_rows == book.asks.num_rows


def test_a_store_that_cannot_be_read_is_told_at_once(any_s3: S3, tmp_path: Path) -> None:
    with pytest.raises(booktape.NotATape, match="nothing is recorded at s3://"):
        open_bucket(any_s3, f"{tmp_path.name}/nothing")
    with pytest.raises(booktape.StoreError, match="no such bucket"):
        booktape.open("s3://no-such-bucket-here", region=REGION, endpoint_url=any_s3.url)
