"""The pipe carries frames from the ingest to the writer, watermarks back: the only door to ZeroMQ.

The pipe may lose any frame at any time; it never reorders the frames of one `Publisher`. The
journal holds every frame until a watermark says that the writer has committed it.

A socket belongs to the thread that uses it; the context may be shared.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
import zmq
from msgspec import Meta, Struct

from booktape.errors import UNDECODABLE, ConfigError
from shared.delivery.frame import FRAME_BYTES_MAX
from shared.process.state import StateFolder

FRAMES_MAX: Final = 1000  # held on either side of a pipe
WATERMARKS_MAX: Final = 100  # ten seconds of them, held for a subscriber that does not look
RECONNECT_MS: Final = 20  # without RECONNECT_IVL_MAX, which would let it grow to a second
LINGER_MS: Final = 1000  # for frames still queued at the end
# sockaddr_un has 108 bytes, the last a zero: https://man7.org/linux/man-pages/man7/unix.7.html
SOCKET_PATH_BYTES_MAX: Final = 107

Context = zmq.Context[zmq.Socket[bytes]]
EventNumber = Annotated[int, Meta(ge=0)]


class Watermark(Struct, frozen=True, array_like=True):
    """The progress of one run of the writer in every session that it knows.

    Each session has two event numbers: every event below `committed` is committed for ever;
    `expected` is the next one the writer wants. `holes` has, for each session whose journal has
    lost events, the number with which the journal goes on after the last hole.
    """

    run: str
    sessions: dict[str, tuple[EventNumber, EventNumber]]
    holes: dict[str, EventNumber] = {}

    def __post_init__(self) -> None:
        """Refuse a watermark that no writer sends."""
        if any(committed > expected for committed, expected in self.sessions.values()):
            raise ValueError("more is committed than was received")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Watermark)


def socket_path(state_path: Path, name: str) -> Path:
    """Return the path of the socket of this name; make its folder.

    The folder is `run` in the state. If that path is too long for the system, it is a short folder
    in the runtime or temporary folder; then all processes of a state need one `XDG_RUNTIME_DIR`.
    """
    path = StateFolder(state_path.absolute()).run / name
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    digest = hashlib.sha256(os.fsencode(path.parent)).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(runtime) / f"booktape-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Anybody may make this folder in the temporary one, to listen there for our connections.
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise ConfigError(
            [f"state.path: {folder} is another user's; remove it, or choose a short path"]
        )
    return folder / name


def endpoint(state_path: Path, name: str) -> str:
    """Return the address of a pipe, `frames` or `watermarks`."""
    return f"ipc://{socket_path(state_path, f'{name}.ipc')}"


def open_context() -> Context:
    """Return the context that makes a process's sockets; call `term()` after closing them."""
    return zmq.Context()


class Publisher:
    """Sends the frames of one session."""

    def __init__(self, context: Context, endpoint: str) -> None:
        """Connect, whether or not a writer is there yet."""
        self._socket = context.socket(zmq.PUSH)
        self._socket.sndhwm = FRAMES_MAX
        self._socket.linger = LINGER_MS
        _connect(self._socket, endpoint)

    def publish(self, data: bytes) -> bool:
        """Queue a frame; return False at once if the pipe is full."""
        try:
            self._socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Close; queued frames may still go out for `LINGER_MS`."""
        self._socket.close()


class Bound:
    """A socket bound to a path, which a cleaner of temporary files may delete."""

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        """Bind, taking the place of a socket file that a killed writer left."""
        self._socket = socket
        self._endpoint = endpoint
        self._path = Path(endpoint.removeprefix("ipc://"))
        socket.bind(endpoint)

    @property
    def is_there(self) -> bool:
        """Return whether a peer that connects finds the socket."""
        return self._path.exists()

    def bind_anew(self) -> None:
        """Bind once more if the path is gone; connected peers connect again."""
        if not self.is_there:
            self._socket.unbind(self._endpoint)
            self._socket.bind(self._endpoint)

    def close(self) -> None:
        """Close; messages may still go out for the socket's linger."""
        self._socket.close()


class Receiver(Bound):
    """Receives the frames of all sessions, fairly."""

    def __init__(self, context: Context, endpoint: str) -> None:
        """Bind, taking the place of a socket file that a killed writer left."""
        socket = context.socket(zmq.PULL)
        socket.rcvhwm = FRAMES_MAX
        socket.maxmsgsize = FRAME_BYTES_MAX
        socket.linger = 0
        self._timeout_ms = -1
        super().__init__(socket, endpoint)

    def receive(self, timeout_ms: int) -> bytes | None:
        """Return the next frame, or `None` if none came in that time."""
        if not timeout_ms and not _has_message(self._socket):
            return None
        if timeout_ms != self._timeout_ms:
            self._socket.rcvtimeo = self._timeout_ms = timeout_ms
        try:
            return self._socket.recv()
        except zmq.Again:
            return None


class WatermarkPublisher(Bound):
    """Publishes the writer's watermarks to every sender."""

    def __init__(self, context: Context, endpoint: str) -> None:
        """Bind, taking the place of a socket file that a killed writer left."""
        socket = context.socket(zmq.PUB)
        socket.sndhwm = WATERMARKS_MAX
        socket.linger = LINGER_MS
        super().__init__(socket, endpoint)

    def publish(self, watermark: Watermark) -> None:
        """Send a watermark to all subscribers; they may miss it, as the next follows soon."""
        self._socket.send(_encoder.encode(watermark), zmq.NOBLOCK)


class WatermarkSubscriber:
    """Receives the writer's watermarks; any thread may read `holes`, those of the newest one."""

    def __init__(self, context: Context, endpoint: str) -> None:
        """Connect, whether or not a writer is there yet."""
        self._socket = context.socket(zmq.SUB)
        self._socket.rcvhwm = WATERMARKS_MAX
        self._socket.linger = 0
        self._socket.subscribe(b"")
        _connect(self._socket, endpoint)
        self.malformed = 0  # count of messages that were no watermark
        self.holes: dict[str, int] = {}

    def receive(self) -> Watermark | None:
        """Return the newest watermark, skipping older ones, or `None` if none came."""
        newest = None
        for _ in range(WATERMARKS_MAX):
            if not _has_message(self._socket):
                break
            try:
                newest = _decoder.decode(self._socket.recv(zmq.NOBLOCK))
                self.holes = newest.holes
            except UNDECODABLE:
                self.malformed += 1
        return newest

    def close(self) -> None:
        """Close."""
        self._socket.close()


def _connect(socket: zmq.Socket[bytes], endpoint: str) -> None:
    socket.reconnect_ivl = RECONNECT_MS
    socket.connect(endpoint)


def _has_message(socket: zmq.Socket[bytes]) -> bool:
    """Return whether a message waits; asking is cheaper than an exception without one."""
    events = socket.get(zmq.EVENTS)
    assert isinstance(events, int)
    return bool(events & zmq.POLLIN)
