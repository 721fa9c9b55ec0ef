"""What is good, before anything is done to it: recordings, frames, journals, streams, manifests."""

import pkgutil
from importlib import import_module
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

import services
from booktape.keys import TABLES
from booktape.manifest import encode_manifest
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.manifest import make_manifest
from services.buffer_writer.segment import WrittenSegment
from shared.delivery.frame import Frame
from shared.delivery.frame_builder import FrameBuilder
from shared.event import FeedEvent
from shared.exchange import Exchange
from shared.transport.websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.simulation.feed import Feed
from tests.support.paths import RECORDINGS

_FOLDERS = [m.name for m in pkgutil.iter_modules(services.__path__) if m.name.startswith("ingest_")]
EXCHANGES: Final[list[Exchange]] = [
    import_module(f"services.{name}.exchange").EXCHANGE for name in _FOLDERS
]
SESSION: Final = "20261122T091500.123456Z-toy-a"
OTHER_SESSION: Final = "20261122T091500.123457Z-toy-b"
TS: Final = 1_795_000_000_000_000_000
BODY_BYTES_MAX: Final = 3000  # of a recorded body: the rest is more of the same


def recorded(exchange: Exchange) -> list[bytes]:
    """Return the recorded messages of an exchange's socket."""
    paths = sorted((RECORDINGS / exchange.name).glob("ws_*"))
    return [line for path in paths for line in path.read_bytes().splitlines()]


def bodies(exchange: Exchange, kind: str) -> list[bytes]:
    """Return the recorded answers to REST calls of a kind, and the refusals."""
    folder = RECORDINGS / exchange.name
    answers = [path.read_bytes() for path in sorted(folder.glob(f"rest_{kind}_*"))]
    for path in sorted(folder.glob("rest_errors*")):
        answers += path.read_bytes().splitlines()
    return [answer[:BODY_BYTES_MAX] for answer in answers]


def make_frames(
    random: Random, *, count_max: int = 4, session: str = SESSION, first: int = 0
) -> list[Frame]:
    """Return frames of one session, one after another, of all kinds of events."""
    feed = Feed(random, count(random.randrange(1000)))
    builder = FrameBuilder(session, first)
    frames = []
    for _ in range(random.randint(1, count_max)):
        for _ in range(random.randint(1, 6)):
            symbol, event = feed.next()
            builder.add(TS, symbol, event)
        frames.append(builder.take(0))
    if random.random() < 0.2:
        builder.add(TS, None, FeedEvent("session_end"))
        frames.append(builder.take(0))
    return frames


def make_stream(random: Random) -> bytes:
    """Return the bytes of a websocket: messages whole and in fragments, pings, perhaps a close."""
    parts = []
    for _ in range(random.randint(1, 6)):
        size = random.choice((0, 1, 5, 125, 126, 300)) if random.random() < 0.98 else 70_000
        payload = random.randbytes(size)
        match random.randrange(5):
            case 0:
                at = random.randrange(len(payload) + 1)
                parts += [pack(TEXT, payload[:at], is_final=False), pack(PING, payload[:5])]
                parts += [pack(CONTINUATION, payload[at:])]
            case 1:
                parts.append(pack(random.choice((PING, PONG)), payload[:125]))
            case 2:
                parts.append(pack(BINARY, payload))
            case _:
                parts.append(pack(TEXT, payload))
    if random.random() < 0.3:
        parts.append(pack(CLOSE, random.choice((b"", b"\x03\xe8", b"\x03\xe8why", b"\x03"))))
    return b"".join(parts)


def pack(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    """Return one frame of a websocket."""
    size = len(payload)
    if size <= 125:
        length = bytes([size])
    else:
        length = b"\x7e" + size.to_bytes(2) if size < 1 << 16 else b"\x7f" + size.to_bytes(8)
    return bytes([opcode | (0x80 if is_final else 0)]) + length + payload


def make_manifest_bytes(random: Random) -> bytes:
    """Return a manifest of some tables."""
    tables = random.sample(TABLES, random.randint(1, 4))
    frames = make_frames(random, count_max=2)
    run = FrameRun(SESSION, frames[0].day, frames, frames[-1].last + 1, ends_session=False)
    events = [0] * len(tables)
    for _ in range(run.first, run.last + 1):
        events[random.randrange(len(tables))] += 1
    segments = {
        table: WrittenSegment(Path("x"), events[at] * 3, 1000, "0" * 64, 100, 7, events[at], TS, TS)
        for at, table in enumerate(tables)
    }
    return encode_manifest(make_manifest(run, segments, TS))
