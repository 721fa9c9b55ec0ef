"""What is fuzzed: everything that reads bytes which others, or a bad disk, have written.

A target makes one input by chance and gives it to the real code. It fails by whatever is raised:
each knows the named errors by which the code may refuse, and asserts what it promises otherwise.
"""

import re
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from booktape.errors import TapeError
from booktape.keys import parse_key
from booktape.manifest import decode_manifest
from services.buffer_writer.events import BadFrame, decode_events
from services.buffer_writer.incoming import cut_frame, ends_session, guess_session
from services.buffer_writer.manifest import check as check_manifest
from services.buffer_writer.manifest import count_bytes, ledger_key, name_of
from services.buffer_writer.segment import WrittenSegment, write_segments
from shared.delivery.cursor import Cursor
from shared.delivery.frame import Frame, decode, encode
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.errors import FrameError, JournalError, MalformedMessage, UnknownFrameVersion
from shared.event import Instrument, Row
from shared.exchange import Exchange, ListedMarket
from shared.feed.board import Board
from shared.feed.names import Names
from shared.ingest.instruments import Instruments
from shared.ingest.listings import Listings
from shared.process.record_file import pack as pack_record
from shared.transport.websocket_frames import BUFFER_BYTES, MessageReader
from tests.fuzz.corpus import (
    EXCHANGES,
    OTHER_SESSION,
    SESSION,
    TS,
    bodies,
    make_frames,
    make_manifest_bytes,
    make_stream,
    recorded,
)
from tests.fuzz.mutate import mutate_bytes, mutate_text, mutate_tree
from tests.fuzz.promises import check
from tests.support.readers import make_board, make_feed
from tests.support.toys import Tape, make_exchange
from tests.support.writing import make_run

_OUTSIDE = re.compile(r"(^|/)\.\.?(/|$)|^/|\x00")


class _Doors(NamedTuple):
    names: Names
    boards: list[Board]


class Target(NamedTuple):
    """`run` makes an input and tries it, in a folder that is empty; `share` of all are its own."""

    name: str
    share: float
    run: Callable[[Random, Path], None]


# --- messages -----------------------------------------------------------------------------------


def _socket(exchange: Exchange) -> Callable[[Random, Path], None]:
    messages = recorded(exchange)

    def run(random: Random, _: Path) -> None:
        check(exchange.parse, mutate_text(random, random.choice(messages), messages))

    return run


def _rest(exchange: Exchange) -> Callable[[Random, Path], None]:
    rest = exchange.rest
    parse_trades = rest.parse_trades
    assert parse_trades
    parsers: dict[str, Callable[[bytes], Any]] = {
        "markets": lambda raw: rest.parse_markets(raw) and [],
        "book": lambda raw: [rest.parse_book("BTC-EUR", raw)],
        "trades": lambda raw: [parse_trades("BTC-EUR", raw)],
    }
    corpus = {kind: bodies(exchange, kind) for kind in parsers}

    def run(random: Random, folder: Path) -> None:
        kind = random.choice(list(parsers))
        raw = mutate_text(random, random.choice(corpus[kind]), corpus[kind])
        check(parsers[kind], raw)
        if kind == "markets":
            with suppress(MalformedMessage):
                _list_markets(rest.parse_markets(raw), folder)
        headers = {"retry-after": str(random.choice((1, -1, "", "9" * 30, "x", "1e400")))}
        wait_s = rest.ban_s(random.choice((200, 400, 429)), headers, raw, TS)
        assert wait_s is None or 1 <= wait_s <= 86_400

    return run


def _list_markets(markets: list[ListedMarket], folder: Path) -> None:
    """Whatever a list of markets is, its rows can be journalled, and written by the writer."""
    rows: list[Row] = []
    doors = _Doors(Names(make_exchange()), [])
    instruments = Instruments(folder / "instruments.json")
    listings = Listings(doors, instruments, rows.extend, lambda _: None, has_room=lambda: True)
    for ts in (TS, TS + 1):
        listings.take_list(markets, ts)
    if not rows:
        return
    builder = FrameBuilder(SESSION)
    for row in rows:
        builder.add(*row)
    frame = decode(encode(builder.take(0)))
    decode_events([frame])
    for _, _, event in rows:
        assert isinstance(event, Instrument)
        assert all(0 <= (count or 0) < 100 for count in (event.price_decimals, event.size_decimals))
        assert len(event.info) <= 4096
        event.info.encode()


def _feed(exchange: Exchange) -> Callable[[Random, Path], None]:
    messages = recorded(exchange)
    named = {
        name.decode() for raw in messages for name in re.findall(rb'"([A-Z]{6,9}|[A-Z]+-EUR)"', raw)
    }
    symbols = [name if "-" in name else f"{name[:-3]}-{name[-3:]}" for name in sorted(named)]

    def run(random: Random, _: Path) -> None:
        """Whatever a feed makes of a connection can be journalled, and written by the writer."""
        tape = Tape()
        feed = make_feed(exchange, make_board(symbols, exchange=exchange))
        tape += feed.connected(TS, 0.0, "ws://", 0)
        for now_s in range(random.randint(1, 12)):
            raw = random.choice(messages)
            if random.random() < 0.7:
                raw = mutate_text(random, raw, messages)
            tape += feed.receive(TS, float(now_s), [raw])
            chores = feed.chores(TS, float(now_s))
            tape += chores.rows if chores else []
        tape += feed.disconnected(TS, "over")
        malformed = [event for _, _, event in tape if getattr(event, "kind", "") == "malformed"]
        assert len(malformed) == feed.counts.malformed
        builder = FrameBuilder(SESSION)
        for row in tape:
            builder.add(*row)
        frame = decode(encode(builder.take(0)))
        assert [len(tape)] == [frame.last + 1]
        decode_events([frame])

    return run


def _stream(random: Random, _: Path) -> None:
    """However the bytes of a socket are cut, they make the same messages, or the same end."""
    data = make_stream(random)
    if random.random() < 0.9:
        data = mutate_bytes(random, data, [make_stream(random)])
    one, other = MessageReader(), MessageReader()
    sizes = (1, 3, 100) if len(data) < 2000 else (1000, 60_000, 200_000)
    assert _read(one, data, lambda: len(data)) == _read(other, data, lambda: random.choice(sizes))
    assert len(one._buffer) <= max(BUFFER_BYTES, 4 * len(data))


def _read(reader: MessageReader, data: bytes, size: Callable[[], int]) -> tuple[list[bytes], str]:
    messages: list[bytes] = []
    at = 0
    while at < len(data) and not reader.lost:
        space = reader.space
        assert space
        part = data[at : at + min(len(space), size())]
        space[: len(part)] = part
        messages += reader.cut_messages(len(part))
        at += len(part)
    return messages, str(reader.lost)


# --- frames and journals ------------------------------------------------------------------------


def _mutate_frame(random: Random, frame: Frame) -> bytes:
    """Return a frame with other bytes, or one of sound MessagePack that says something else."""
    data = encode(frame)
    if random.random() < 0.3:
        return mutate_bytes(random, data, [data])
    tree = msgspec.msgpack.decode(data)
    for _ in range(random.randint(1, 2)):
        tree = mutate_tree(random, tree)
    try:
        return msgspec.msgpack.encode(tree)
    except (OverflowError, RecursionError, UnicodeEncodeError):
        return data


def _frame(random: Random, _: Path) -> None:
    """Do what the writer does with a frame, in its order."""
    data = _mutate_frame(random, random.choice(make_frames(random)))
    guess_session(data)
    try:
        frame = decode(data)
        ends_session(frame, data)
        if frame.first < frame.last < frame.first + 1000:
            frame = cut_frame(frame, random.randint(frame.first + 1, frame.last))
        events = decode_events([frame])
    except FrameError:
        return
    assert frame.last - frame.first + 1 == sum(map(len, events.tables.values()))


def _segment(random: Random, folder: Path) -> None:
    """Let no frame spoil the flush of others: it is named, and before the first file is begun."""
    frames = make_frames(random, count_max=3)
    at = random.randrange(len(frames))
    try:
        frame = decode(_mutate_frame(random, frames[at]))
    except FrameError:
        return
    same = (frame.session, frame.day, frame.first, frame.last)
    if same != (SESSION, frames[at].day, frames[at].first, frames[at].last):
        return  # the writer would have made another run of it
    frames[at] = frame
    segments: dict[str, WrittenSegment] = {}
    bad: Frame | None = None
    try:
        segments = write_segments(make_run(frames), lambda table: folder / table)
    except BadFrame as error:
        bad = error.frame
    if bad is not None:
        assert bad is frame
        assert not list(folder.iterdir())
        return
    assert frames[-1].last + 1 == sum(segment.events for segment in segments.values())


def _journal(random: Random, folder: Path) -> None:
    """A damaged journal is read to its end, in order, and nothing that is not its own is sent."""
    frames = make_frames(random, count_max=8)
    foreign = b"".join(map(_record, make_frames(random, session=OTHER_SESSION)))
    path = folder / SESSION
    path.mkdir()
    split = random.randint(1, len(frames))
    is_forged = random.random() < 0.2
    for part in filter(None, (frames[:split], frames[split:])):
        records = [_record(frame) for frame in part]
        if is_forged:  # a sound checksum over what nobody has written
            records[-1] = pack_record(_mutate_frame(random, part[-1]))
        data = b"".join(records)
        if not is_forged or random.random() < 0.5:
            data = mutate_bytes(random, data, [data, foreign])
        (path / f"{part[0].first:012}.journal").write_bytes(data)
    try:
        journal = Journal.adopt(path)
    except (JournalError, UnknownFrameVersion):
        return
    assert journal
    try:
        sent = _walk(journal)
    finally:
        journal.close()
    if is_forged:  # whatever they are, they go out one after another
        assert len(sent) <= 4 * len(frames)
    else:
        _check_sent(sent, frames)


def _record(frame: Frame) -> bytes:
    return pack_record(encode(frame))


def _walk(journal: Journal) -> list[bytes]:
    """Return what a sender would send."""
    journal.sync()
    sent: list[bytes] = []
    with closing(Cursor(journal)) as cursor, suppress(UnknownFrameVersion):
        while (data := cursor.peek(committed=2**63)) is not None:
            sent.append(data)
            cursor.advance()
    return sent


def _check_sent(sent: list[bytes], frames: list[Frame]) -> None:
    originals = {encode(frame) for frame in frames}
    following = 0
    for frame in map(decode, sent):
        assert frame.base <= frame.first
        assert following <= frame.last
        following = frame.last + 1
        assert encode(msgspec.structs.replace(frame, base=0)) in originals


# --- the tape -----------------------------------------------------------------------------------


def _manifest(random: Random, _: Path) -> None:
    """What is read from a manifest are objects of its own, or it is refused."""
    raw = make_manifest_bytes(random)
    name = name_of(*_place(raw))
    if random.random() < 0.5:
        raw = mutate_text(random, raw, [make_manifest_bytes(random)])
    else:
        raw = msgspec.json.encode(mutate_tree(random, msgspec.json.decode(raw)))
    try:
        manifest = decode_manifest(raw)
        check_manifest(manifest, name)
        ledger_key(manifest)
    except TapeError:
        return
    assert count_bytes(manifest) >= 0
    keys = [entry.key for entries in manifest.tables.values() for entry in entries]
    for key in [*keys, ledger_key(manifest)]:
        assert not _OUTSIDE.search(key)
        assert parse_key(key).session == manifest.session


def _place(raw: bytes) -> tuple[str, int, int]:
    manifest = decode_manifest(raw)
    return manifest.session, manifest.first, manifest.last


def _key(random: Random, _: Path) -> None:
    """A key is one that we would have made, and never leads out of the tape."""
    manifest = decode_manifest(make_manifest_bytes(random))
    keys = [entry.key.encode() for entries in manifest.tables.values() for entry in entries]
    parts = [b"../", b"/", b"\x00", b"\n", b"date=", b"-", b"%2e%2e", b"1", b"\xd9\xa1"]
    key = mutate_bytes(random, random.choice(keys), [*parts, *keys]).decode(errors="replace")
    try:
        parsed = parse_key(key)
    except TapeError:
        return
    assert parsed.text == key
    assert not _OUTSIDE.search(key)


TARGETS: Final = [
    *(Target(f"{exchange.name} socket", 14, _socket(exchange)) for exchange in EXCHANGES),
    *(Target(f"{exchange.name} rest", 8, _rest(exchange)) for exchange in EXCHANGES),
    *(Target(f"{exchange.name} feed", 0.4, _feed(exchange)) for exchange in EXCHANGES),
    Target("websocket stream", 12, _stream),
    Target("frame", 14, _frame),
    Target("segment", 0.5, _segment),
    Target("journal", 4, _journal),
    Target("manifest", 10, _manifest),
    Target("key", 8, _key),
]


def run_target(target: Target, random: Random, folder: Path) -> None:
    """Try one input; leave the folder empty."""
    try:
        target.run(random, folder)
    finally:
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
