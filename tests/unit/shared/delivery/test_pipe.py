import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from booktape.errors import ConfigError
from shared.delivery import pipe
from shared.delivery.pipe import (
    FRAMES_MAX,
    SOCKET_PATH_BYTES_MAX,
    Context,
    Publisher,
    Receiver,
    Watermark,
    WatermarkPublisher,
    WatermarkSubscriber,
    endpoint,
    open_context,
    socket_path,
)
from tests.support.paths import ROOT

T = TypeVar("T", Publisher, Receiver, WatermarkPublisher, WatermarkSubscriber)

WAIT_MS = 10_000  # for what will come; only a failure takes as long


End = Publisher | Receiver | WatermarkPublisher | WatermarkSubscriber


class Ends:
    """Make the ends of one pipe, and close them when the test is over."""

    def __init__(self, context: Context, address: str) -> None:
        self.address = address
        self.context = context
        self._made: list[End] = []

    def publisher(self) -> Publisher:
        return self._keep(Publisher(self.context, self.address))

    def receiver(self) -> Receiver:
        return self._keep(Receiver(self.context, self.address))

    def watermarks(self) -> tuple[WatermarkPublisher, WatermarkSubscriber]:
        """Return two ends that have met."""
        publisher = self._keep(WatermarkPublisher(self.context, self.address))
        subscriber = self.subscriber()
        publish_until(publisher, subscriber)
        subscriber.receive()
        return publisher, subscriber

    def subscriber(self) -> WatermarkSubscriber:
        return self._keep(WatermarkSubscriber(self.context, self.address))

    def _keep(self, end: T) -> T:
        self._made.append(end)
        return end

    def close(self) -> None:
        for end in self._made:
            end._socket.close(linger=0)
        self.context.term()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    ends = Ends(open_context(), endpoint(tmp_path, "frames"))
    yield ends
    ends.close()


def publish_until(publisher: WatermarkPublisher, subscriber: WatermarkSubscriber) -> None:
    """Publish until the subscriber is connected and has something to read."""
    for number in range(1000):
        publisher.publish(Watermark(f"{number}", {}))
        if subscriber._socket.poll(20):
            return
    raise AssertionError("nothing arrived")


def receive(subscriber: WatermarkSubscriber) -> Watermark | None:
    assert subscriber._socket.poll(WAIT_MS)
    return subscriber.receive()


def test_sockets_lie_in_the_state(tmp_path: Path) -> None:
    assert f"ipc://{tmp_path}/run/frames.ipc" == endpoint(tmp_path, "frames")
    assert tmp_path / "run" / "supervisor.sock" == socket_path(tmp_path, "supervisor.sock")
    assert (tmp_path / "run").is_dir()


def test_a_relative_state_is_one_place_wherever_it_is_asked_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert endpoint(tmp_path / "var", "frames") == endpoint(Path("var"), "frames")


@pytest.mark.parametrize("has_runtime_folder", [True, False])
def test_a_path_too_long_for_the_system_goes_to_a_short_folder_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_runtime_folder: bool
) -> None:
    short = tmp_path / "short"
    short.mkdir()
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if has_runtime_folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    else:
        monkeypatch.setattr("tempfile.tempdir", str(short))
    longest = SOCKET_PATH_BYTES_MAX - len(f"{tmp_path}//run/frames.ipc")
    fits = endpoint(tmp_path / ("x" * longest), "frames")
    too_long = tmp_path / ("x" * (longest + 1))
    assert SOCKET_PATH_BYTES_MAX == len(fits.removeprefix("ipc://"))
    assert str(tmp_path / "x") in fits
    assert [] == list(short.iterdir())
    path = Path(endpoint(too_long, "frames").removeprefix("ipc://"))
    assert (short, "frames.ipc") == (path.parent.parent, path.name)
    assert 0o700 == path.parent.stat().st_mode & 0o777
    assert str(path) == endpoint(too_long, "frames").removeprefix("ipc://")
    assert path.parent == socket_path(too_long, "watermarks.ipc").parent
    assert path.parent != socket_path(too_long / "other", "frames.ipc").parent


def test_both_ends_meet_at_the_longest_path(tmp_path: Path, ends: Ends) -> None:
    room = SOCKET_PATH_BYTES_MAX - len(f"{tmp_path}//run/frames.ipc")
    ends.address = endpoint(tmp_path / ("x" * room), "frames")
    receiver, publisher = ends.receiver(), ends.publisher()
    assert publisher.publish(b"frame")
    assert b"frame" == receiver.receive(WAIT_MS)


def test_a_short_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    state = tmp_path / ("x" * SOCKET_PATH_BYTES_MAX)
    folder = socket_path(state, "frames.ipc").parent
    with monkeypatch.context() as other:
        other.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
        with pytest.raises(ConfigError, match=r"state\.path: .* is another user's; remove it"):
            endpoint(state, "frames")
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="is another user"):
        endpoint(state, "frames")


def test_frames_arrive_in_order(ends: Ends) -> None:
    receiver, publisher = ends.receiver(), ends.publisher()
    for number in range(500):
        assert publisher.publish(b"%d" % number)
    assert [b"%d" % number for number in range(500)] == [
        receiver.receive(WAIT_MS) for _ in range(500)
    ]
    assert receiver.receive(0) is None
    assert receiver.receive(1) is None


def test_a_publisher_may_come_before_the_receiver(ends: Ends) -> None:
    publisher = ends.publisher()
    assert publisher.publish(b"early")
    assert b"early" == ends.receiver().receive(WAIT_MS)


def test_without_a_receiver_a_pipe_is_full_at_its_bound(ends: Ends) -> None:
    publisher = ends.publisher()
    assert [True] * FRAMES_MAX == [publisher.publish(b"x") for _ in range(FRAMES_MAX)]
    assert not publisher.publish(b"x")


def test_a_full_pipe_refuses_and_loses_nothing_that_it_took(ends: Ends) -> None:
    receiver, publisher = ends.receiver(), ends.publisher()
    publisher.publish(b"0")
    assert b"0" == receiver.receive(WAIT_MS)
    taken = 1
    # What fits is the bound of either side and what the system's own buffers hold.
    while publisher.publish(b"%d" % taken + b" " * 60_000):
        taken += 1
        assert taken < 3 * FRAMES_MAX
    expected = list(range(1, taken))
    assert expected == [int(receiver.receive(WAIT_MS) or b"") for _ in expected]
    assert receiver.receive(0) is None


def test_every_publisher_gets_its_turn(ends: Ends) -> None:
    receiver = ends.receiver()
    publishers = [ends.publisher() for _ in range(3)]
    for name, publisher in zip(b"abc", publishers, strict=True):
        for _ in range(50):
            publisher.publish(bytes([name]))
    received = [receiver.receive(WAIT_MS) for _ in range(150)]
    assert 50 == received.count(b"a") == received.count(b"b") == received.count(b"c")


def test_what_is_queued_at_the_end_still_goes_out(ends: Ends) -> None:
    receiver, publisher = ends.receiver(), ends.publisher()
    for _ in range(100):
        publisher.publish(b"x" * 1000)
    publisher.close()
    assert 100 == sum(receiver.receive(WAIT_MS) is not None for _ in range(100))


def test_nobody_waits_for_a_writer_that_never_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipe, "LINGER_MS", 10)
    context = open_context()
    publisher = Publisher(context, endpoint(tmp_path, "frames"))
    publisher.publish(b"x")
    publisher.close()
    context.term()


def test_reconnecting_is_quick_and_stays_so(ends: Ends) -> None:
    for end in (ends.publisher(), ends.subscriber()):
        assert (20, 0) == (end._socket.reconnect_ivl, end._socket.reconnect_ivl_max)


def test_no_end_waits_long_when_it_closes(ends: Ends) -> None:
    assert 1000 == ends.publisher()._socket.linger
    assert 0 == ends.subscriber()._socket.linger
    assert 0 == ends.receiver()._socket.linger


WRITER = """
import sys
from shared.delivery.pipe import Receiver, open_context
receiver = Receiver(open_context(), sys.argv[1])
print("bound", flush=True)
while True:
    data = receiver.receive(100)
    if data:
        print(data.decode(), flush=True)
"""


def test_a_killed_receiver_leaves_a_socket_file_that_its_successor_replaces(ends: Ends) -> None:
    publisher = ends.publisher()
    for number in range(2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, ends.address],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        with writer.stdout:
            assert "bound\n" == writer.stdout.readline()
            assert publisher.publish(b"%d" % number)
            assert f"{number}\n" == writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        assert Path(ends.address.removeprefix("ipc://")).is_socket()
    receiver = ends.receiver()
    # What the system had taken for the killed one may be lost; what comes later is not.
    received = None
    for number in range(2, 1000):
        publisher.publish(b"%d" % number)
        received = receiver.receive(20)
        if received:
            break
    assert received is not None


def test_a_watermark_arrives_as_it_was_sent(ends: Ends) -> None:
    publisher, subscriber = ends.watermarks()
    sent = Watermark("run", {"a": (0, 7), "b": (2**40, 2**40)})
    publisher.publish(sent)
    assert sent == receive(subscriber)
    assert subscriber.receive() is None


def test_only_the_newest_watermark_counts(ends: Ends) -> None:
    publisher, subscriber = ends.watermarks()
    for number in range(50):
        publisher.publish(Watermark("run", {"a": (0, number)}))
    seen: list[Watermark] = []
    while not seen or seen[-1].sessions["a"] != (0, 49):
        watermark = receive(subscriber)
        assert watermark is not None
        seen.append(watermark)
    assert sorted(each.sessions["a"] for each in seen) == [each.sessions["a"] for each in seen]


def test_no_flood_of_watermarks_holds_up_a_sender(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, subscriber = ends.watermarks()
    for number in range(5):
        publisher.publish(Watermark("run", {"a": (0, number)}))
    monkeypatch.setattr(pipe, "WATERMARKS_MAX", 1)
    seen = [receive(subscriber) for _ in range(5)]
    assert [(0, number) for number in range(5)] == [each.sessions["a"] for each in seen if each]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"rubbish",
        msgspec.msgpack.encode({"run": "r", "sessions": {}}),
        msgspec.msgpack.encode(["r"]),
        msgspec.msgpack.encode(["r", {"a": [1]}]),
        msgspec.msgpack.encode(["r", {"a": [-1, 0]}]),
        msgspec.msgpack.encode(["r", {"a": [2, 1]}]),
        msgspec.msgpack.encode(["r", {"a": ["0", "1"]}]),
        msgspec.msgpack.encode(["r", {"a": [0, 1]}, {"a": -1}]),
        b"\xdc\xff\xff",
        b"\x92\xa2\xff\xff\x80",  # a run that is no UTF-8
        b"\x91" * 100_000,
    ],
)
def test_what_is_no_watermark_is_counted_and_hides_none(ends: Ends, message: bytes) -> None:
    publisher, subscriber = ends.watermarks()
    for _ in range(2):
        publisher._socket.send(message)
    publisher.publish(Watermark("run", {}))
    last = None
    while subscriber.malformed < 2 or last is None:
        last = receive(subscriber) or last
    assert Watermark("run", {}) == last


def test_a_watermark_of_a_later_release_may_say_more(ends: Ends) -> None:
    publisher, subscriber = ends.watermarks()
    publisher._socket.send(msgspec.msgpack.encode(["run", {"a": [1, 2]}, {"a": 1}, "more"]))
    assert Watermark("run", {"a": (1, 2)}, {"a": 1}) == receive(subscriber)


def test_a_watermark_of_an_earlier_release_tells_of_no_hole(ends: Ends) -> None:
    publisher, subscriber = ends.watermarks()
    publisher._socket.send(msgspec.msgpack.encode(["run", {"a": [1, 2]}]))
    assert Watermark("run", {"a": (1, 2)}) == receive(subscriber)
    assert {} == subscriber.holes


def test_the_holes_of_the_newest_watermark_are_there_for_any_thread(ends: Ends) -> None:
    publisher, subscriber = ends.watermarks()
    publisher.publish(Watermark("run", {"a": (1, 20)}, {"a": 10}))
    assert receive(subscriber)
    assert {"a": 10} == subscriber.holes


def test_a_subscriber_follows_one_writer_after_another(ends: Ends) -> None:
    subscriber = ends.subscriber()
    assert subscriber.receive() is None
    for _ in range(2):
        publisher = WatermarkPublisher(ends.context, ends.address)
        publish_until(publisher, subscriber)
        assert subscriber.receive() is not None
        publisher.close()
    subscriber.close()


def test_a_receiver_that_closed_can_be_followed_at_once(ends: Ends) -> None:
    ends.receiver().close()
    receiver, publisher = ends.receiver(), ends.publisher()
    publisher.publish(b"x")
    assert b"x" == receiver.receive(WAIT_MS)


def test_sockets_that_a_cleaner_took_are_bound_anew(ends: Ends, tmp_path: Path) -> None:
    receiver, before = ends.receiver(), ends.publisher()
    before.publish(b"1")
    assert b"1" == receiver.receive(WAIT_MS)
    seen = [receiver.is_there]
    path = tmp_path / "run" / "frames.ipc"
    path.unlink()
    path.parent.rmdir()
    seen.append(receiver.is_there)
    endpoint(tmp_path, "frames")  # which makes the folder
    receiver.bind_anew()
    assert [True, False, True] == [*seen, receiver.is_there]
    after = ends.publisher()  # a feed that starts later
    after.publish(b"2")
    assert b"2" == receiver.receive(WAIT_MS)
    # What was sent before it connected again is lost, as a pipe may lose it.
    assert any(before.publish(b"3") and receiver.receive(200) == b"3" for _ in range(50))
    receiver.bind_anew()  # nothing to do
    before.publish(b"4")
    assert b"4" == receiver.receive(WAIT_MS)
