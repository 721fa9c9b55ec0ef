"""The writer's process, real journals that feed it, and a store."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.process.writers import (
    Feed,
    Writer,
    assert_whole,
    make_environment,
    make_storage,
    read_tape,
    wait_for,
)
from tests.support.s3_server import BUCKET, REGION, S3Server, free_port
from tests.support.writing import FOREIGN, OTHER, SESSION

pytestmark = pytest.mark.process


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def feeds(state: Path) -> Iterator[Callable[[str], Feed]]:
    made: list[Feed] = []

    def make(session: str) -> Feed:
        made.append(Feed(state, session))
        return made[-1]

    yield make
    for feed in made:
        feed.close()


@pytest.fixture
def writer(tmp_path: Path, state: Path) -> Iterator[Writer]:
    writer = Writer(state, {"url": f"file:{tmp_path}/data"})
    yield writer
    writer.close()


def test_told_to_end_it_drains_into_the_store(
    writer: Writer, feeds: Callable[[str], Feed], tmp_path: Path, state: Path
) -> None:
    writer.start()
    made = [feeds(session) for session in (SESSION, OTHER, FOREIGN)]
    for feed in made:
        feed.record(*range(1, 30))
    wait_for(lambda: writer.status().get("rows_buffered") == 3 * 435, "not all was received")
    assert {} == read_tape(tmp_path / "data")
    assert 0 == writer.stop()
    assert_whole(tmp_path / "data", *made)
    assert [] == list((state / "spool").glob("*.json"))
    assert 3 == len(list((tmp_path / "data" / "ledger").rglob("*.json")))


def test_what_ended_is_delivered_stored_and_forgotten(
    writer: Writer, feeds: Callable[[str], Feed], tmp_path: Path, state: Path
) -> None:
    feed = feeds(SESSION)
    feed.record(10, 20, 30)
    feed.end()
    writer.start(flush_interval_s=0.5)
    wait_for(lambda: feed.is_delivered, "the journal stays")
    wait_for(lambda: not list((state / "sessions").iterdir()), "the session is not forgotten")
    assert 0 == writer.stop()
    assert_whole(tmp_path / "data", feed)


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_and_doubles_nothing(
    writer: Writer, feeds: Callable[[str], Feed], tmp_path: Path
) -> None:
    random = Random(20261122)
    made = [feeds(SESSION), feeds(OTHER)]
    for _ in range(8):
        writer.start(flush_rows=400)
        for _ in range(random.randrange(5, 30)):
            for feed in made:
                feed.record(*(random.randrange(1, 40) for _ in range(5)))
            time.sleep(0.05)
        writer.kill()
    for feed in made:
        feed.end()
    writer.start(flush_interval_s=0.5)
    wait_for(lambda: all(feed.is_delivered for feed in made), "a journal stays")
    assert 0 == writer.stop()
    assert_whole(tmp_path / "data", *made)


def test_a_second_writer_says_who_holds_the_state(writer: Writer, state: Path) -> None:
    writer.start()
    wait_for(writer.status, "it does not run")
    other = Writer(state, {"url": "file:elsewhere"}).start()
    assert 75 == other.wait()
    assert f"already held by process {writer._process.pid}" in other.log()


def test_a_state_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    writer = Writer(tmp_path / "var", {"url": f"file:{tmp_path}/data"}).start()
    assert 1 == writer.wait()
    assert "the writer cannot go on" in writer.log()


def test_below_the_floor_it_takes_nothing_more_and_says_so(
    writer: Writer, feeds: Callable[[str], Feed], state: Path
) -> None:
    writer.start(free=1 << 50, flush_interval_s=0.2)
    feed = feeds(SESSION)
    feed.record(10)
    wait_for(lambda: writer.status().get("state") == "disk_full", "it has room")
    assert "make room" in writer.status()["flush_error"]
    assert 0 == writer.stop()
    assert [] == list((state / "spool").glob("*.json"))
    assert not feed.is_delivered


# --- S3 ---


@pytest.fixture
def environment(s3_server: S3Server) -> dict[str, str]:
    return make_environment(s3_server)


@pytest.mark.s3
def test_a_bucket_that_is_away_for_a_while_loses_nothing(
    s3_server: S3Server,
    environment: dict[str, str],
    feeds: Callable[[str], Feed],
    tmp_path: Path,
    state: Path,
) -> None:
    writer = Writer(state, make_storage(s3_server, tmp_path), environment)
    feed = feeds(SESSION)
    try:
        writer.start(flush_interval_s=0.3)
        feed.record(10, 20)
        wait_for(lambda: writer.status().get("last_upload_ts"), "nothing was stored")
        s3_server.kill()
        try:
            feed.record(30, 40)
            wait_for(lambda: "cannot be reached" in str(writer.status().get("upload_error")), "?")
            assert 1 <= writer.status()["spool_flushes"]
            writer.kill()
            writer.start(flush_interval_s=0.3)
        finally:
            s3_server.start()
        feed.end()
        wait_for(lambda: feed.is_delivered, "the journal stays")
        wait_for(lambda: writer.status().get("spool_flushes") == 0, "the spool stays")
        wait_for(lambda: writer.status().get("upload_error") is None, "it still complains")
        assert 0 == writer.stop()
    finally:
        writer.close()
    s3_server.download(tmp_path.name, tmp_path / "data")
    assert_whole(tmp_path / "data", feed)


@pytest.mark.s3
def test_a_wrong_bucket_is_named_and_loses_nothing(
    s3_server: S3Server,
    environment: dict[str, str],
    feeds: Callable[[str], Feed],
    tmp_path: Path,
    state: Path,
) -> None:
    writer = Writer(state, make_storage(s3_server, tmp_path, bucket="not-there"), environment)
    feed = feeds(SESSION)
    try:
        writer.start(flush_interval_s=0.3)
        feed.record(10)
        wait_for(lambda: writer.status().get("upload_error"), "nobody complains")
        said = writer.status()["upload_error"]
        assert said.startswith(f"cannot list s3://not-there/{tmp_path.name}/ledger/")
        assert said.endswith(
            "there is no such bucket (NoSuchBucket); create it or correct [storage] url"
        )
        assert 0 == writer.stop()
    finally:
        writer.close()
    assert s3_server.credentials.secret not in writer.log()
    assert s3_server.credentials.key_id not in writer.log()
    assert 1 == len(list((state / "spool").glob("*.json")))


@pytest.mark.s3
def test_a_store_that_is_not_there_does_not_hold_up_the_end(
    environment: dict[str, str], feeds: Callable[[str], Feed], state: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    storage = {"url": f"s3://{BUCKET}", "region": REGION, "endpoint_url": url}
    writer = Writer(state, storage, environment).start()
    try:
        feeds(SESSION).record(10)
        wait_for(lambda: writer.status().get("rows_buffered") == 10, "it was not received")
        assert 0 == writer.stop()
    finally:
        writer.close()
    assert 1 == len(list((state / "spool").glob("*.json")))
