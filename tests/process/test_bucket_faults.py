"""Whatever a bucket does nothing is lost or stored twice, and `status` says what is up."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from booktape.proof.verify import verify
from booktape.store.opening import open_store
from booktape.store.storage import Storage
from services.operator.health.health import gather
from services.operator.supervision.supervisor import Supervisor
from tests.process.writers import (
    HASTE,
    Feed,
    Writer,
    assert_whole,
    make_environment,
    make_storage,
    wait_for,
)
from tests.support.healths import find_sentences
from tests.support.s3_proxy import Mode, S3Proxy
from tests.support.s3_server import S3Server
from tests.support.writing import SESSION

pytestmark = [pytest.mark.process, pytest.mark.s3]

SAID: dict[Mode, str] = {
    "refuse": "the store cannot be reached; check the network, the DNS and [storage] endpoint_url",
    "slow_down": "the store asks to slow down (SlowDown); it may go better later",
    "fail": "the store failed inside (InternalError); it may go better later",
    "hang": "the store did not answer in time; it may go better later",
}
# By http and by https; make soak has all of them over either. Over TLS boto3 takes what that sends
# of its own for the beginning of an answer, so that a silent server is one that hung up.
MODES: tuple[tuple[Mode, ...], ...] = (
    ("slow_down", "hang", "lose_answer"),
    ("refuse", "fail", "lose_answer"),
)


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[S3Proxy]:
    proxy = S3Proxy(s3_server)
    yield proxy
    proxy.close()


def find_said(state: Path) -> str:
    health = gather(state, Supervisor(state / "none"), now_ns=time.time_ns())
    return "\n".join(find_sentences(health))


def is_said(state: Path, action: str, mode: Mode) -> bool:
    said = find_said(state)
    return f"uploads fail: {action}" in said and SAID[mode] in said


def test_what_a_bucket_refuses_fails_hangs_or_does_not_confirm_is_stored_once(
    s3_server: S3Server, proxy: S3Proxy, tmp_path: Path
) -> None:
    state = tmp_path / "var"
    environment = {**make_environment(s3_server), HASTE: "1"}
    writer = Writer(state, make_storage(s3_server, tmp_path, url=proxy.url), environment)
    feed = Feed(state, SESSION)
    try:
        proxy.behave("slow_down")
        writer.start(flush_interval_s=0.2)
        feed.record(10, 20)
        # First the ledger is asked about the session; from then on each upload begins with a put.
        wait_for(lambda: is_said(state, "cannot list", "slow_down"), "a listing that is refused")
        proxy.behave("pass")
        wait_for(lambda: writer.status().get("last_upload_ts"), "nothing is stored")
        for mode in MODES[bool(s3_server.certificate)]:
            proxy.behave(mode)
            feed.record(10, 20)
            if mode in SAID:
                wait_for(lambda mode=mode: is_said(state, "cannot ", mode), mode)  # type: ignore[misc]
            if mode != "refuse":
                wait_for(lambda mode=mode: proxy.met[mode], f"nobody met {mode}")  # type: ignore[misc]
            proxy.behave("pass")
            wait_for(lambda: writer.status().get("spool_flushes") == 0, f"stuck after {mode}")
            wait_for(lambda: "uploads fail" not in find_said(state), f"complains after {mode}")
        feed.end()
        wait_for(lambda: feed.is_delivered, "the journal stays")
        assert 0 == writer.stop()
    finally:
        writer.close()
        feed.close()
    s3_server.download(tmp_path.name, tmp_path / "data")
    assert_whole(tmp_path / "data", feed)
    assert verify(open_store(Storage(url=f"file:{tmp_path}/data"))).ok
    assert 0 == writer.status()["conflicts"]
