import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.transport import websocket_frames as message_reader
from shared.transport.websocket_frames import (
    BINARY,
    BUFFER_BYTES,
    CLOSE,
    CONTINUATION,
    MESSAGE_BYTES_MAX,
    PING,
    PONG,
    TEXT,
    MessageReader,
)


def encode(payload: bytes, opcode: int = TEXT, *, final: bool = True, bits: int = 0) -> bytes:
    """Return one frame as a server sends it: unmasked, its length as short as it can be."""
    first = bytes([final << 7 | bits | opcode])
    length = len(payload)
    if length < 126:
        return first + bytes([length]) + payload
    if length < 1 << 16:
        return first + b"\x7e" + length.to_bytes(2, "big") + payload
    return first + b"\x7f" + length.to_bytes(8, "big") + payload


class Source:
    """Feeds a reader as a socket would, and keeps what comes out."""

    def __init__(self) -> None:
        self.reader = MessageReader()
        self.messages: list[bytes] = []
        self.replies: list[tuple[int, bytes]] = []

    def read(self, data: bytes) -> list[bytes]:
        """Take one read, or several where the buffer has no room for all of it."""
        before = len(self.messages)
        while data and self.reader.lost is None:
            space = self.reader.space
            count = min(len(space), len(data))
            space[:count] = data[:count]
            data = data[count:]
            self.messages += self.reader.cut_messages(count)
            if self.reader.reply:
                self.replies.append(self.reader.reply)
                self.reader.reply = None
        return self.messages[before:]

    @property
    def lost(self) -> str | None:
        return self.reader.lost.reason if self.reader.lost else None


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, BUFFER_BYTES, 10_000_000])
def test_a_message_of_any_length_comes_whole(source: Source, length: int) -> None:
    payload = (b"0123456789" * (length // 10 + 1))[:length]
    assert [payload, b"next"] == source.read(encode(payload) + encode(b"next"))


def test_several_messages_of_one_read_come_together(source: Source) -> None:
    data = encode(b"one") + encode(b"two" * 100) + encode(b"three", BINARY)
    assert [b"one", b"two" * 100, b"three"] == source.read(data)


def test_a_message_comes_when_its_last_byte_does(source: Source) -> None:
    data = encode(b"x" * 300)
    for byte in data[:-1]:
        assert [] == source.read(bytes([byte]))
    assert [b"x" * 300] == source.read(data[-1:])


def test_a_message_stays_what_it_was_when_others_take_its_place() -> None:
    reader = MessageReader()
    data = encode(b"abc")
    reader.space[: len(data)] = data
    (message,) = reader.cut_messages(len(data))
    reader.space[2:5] = b"xyz"
    assert b"abc" == message


def test_the_fragments_of_a_message_are_joined(source: Source) -> None:
    data = encode(b"He", final=False) + encode(b"", CONTINUATION, final=False)
    assert [] == source.read(data)
    assert [b"Hello", b"next"] == source.read(encode(b"llo", CONTINUATION) + encode(b"next"))


def test_a_first_fragment_may_be_empty(source: Source) -> None:
    data = encode(b"", BINARY, final=False) + encode(b"x", CONTINUATION)
    assert [b"x"] == source.read(data)


def test_a_ping_between_fragments_is_to_be_answered_at_once(source: Source) -> None:
    source.read(encode(b"He", final=False) + encode(b"are you there", PING))
    assert [(PONG, b"are you there")] == source.replies
    assert [b"Hello"] == source.read(encode(b"llo", CONTINUATION))


def test_one_pong_answers_all_pings_of_a_read(source: Source) -> None:
    source.read(encode(b"1", PING) + encode(b"2", PING))
    assert [(PONG, b"2")] == source.replies


def test_a_pong_is_ignored(source: Source) -> None:
    assert [b"x"] == source.read(encode(b"", PONG) + encode(b"x"))
    assert [] == source.replies


@pytest.mark.parametrize(
    ("payload", "echo", "reason"),
    [
        (b"\x03\xe8", b"\x03\xe8", "closed the connection: code 1000"),
        (b"\x03\xe9going away", b"\x03\xe9", "closed the connection: code 1001 going away"),
        (b"\x0f\xa0\xff", b"\x0f\xa0", "closed the connection: code 4000 \ufffd"),
        (b"", b"", "closed the connection, without a code"),
        (b"\x03", b"", "closed the connection, without a code"),
    ],
)
def test_a_close_says_why_and_is_to_be_echoed(
    source: Source, payload: bytes, echo: bytes, reason: str
) -> None:
    source.read(encode(payload, CLOSE))
    assert f"the exchange {reason}" == source.lost
    assert [(CLOSE, echo)] == source.replies


BAD = {
    "masked": (b"\x81\x85abcd", "a frame is masked"),
    "masked and long": (b"\x81\xfe", "a frame is masked"),
    "compressed": (encode(b"x", bits=0x40), "reserved bits are set (0xc1)"),
    "unknown data": (encode(b"x", 3), "opcode 3 is unknown"),
    "unknown control": (encode(b"x", 11), "opcode 11 is unknown"),
    "long ping": (encode(b"x" * 126, PING), "a control frame is too long or in fragments"),
    "ping in fragments": (
        encode(b"x", PING, final=False),
        "a control frame is too long or in fragments",
    ),
    "no beginning": (encode(b"x", CONTINUATION), "a fragment without its message"),
    "no end": (encode(b"x", final=False) + encode(b"y"), "a fragment without its message"),
    "no end, binary": (
        encode(b"x", BINARY, final=False) + encode(b"y", BINARY, final=False),
        "a fragment without its message",
    ),
    "too long": (
        b"\x81\x7f" + (MESSAGE_BYTES_MAX + 1).to_bytes(8, "big"),
        f"a message is longer than {MESSAGE_BYTES_MAX} bytes",
    ),
    "longer than can be": (
        b"\x82\x7f" + b"\xff" * 8,
        f"a message is longer than {MESSAGE_BYTES_MAX} bytes",
    ),
}


@pytest.mark.parametrize(("data", "fault"), BAD.values(), ids=BAD)
def test_a_breach_of_the_protocol_is_named_after_what_came_before(
    source: Source, data: bytes, fault: str
) -> None:
    assert [b"before"] == source.read(encode(b"before") + data)
    assert f"the exchange broke the protocol: {fault}" == source.lost


def test_a_fault_is_seen_before_its_payload_came(source: Source) -> None:
    source.read(b"\x89\x7e")
    assert source.lost is None
    source.read(b"\x00\x7e")
    assert source.lost is not None


def test_fragments_are_bounded_together(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_reader, "MESSAGE_BYTES_MAX", 1000)
    source.read(encode(b"x" * 600, final=False) + encode(b"x" * 400, CONTINUATION, final=False))
    assert source.lost is None
    source.read(encode(b"x", CONTINUATION))
    assert "the exchange broke the protocol: a message is longer than 1000 bytes" == source.lost


def test_a_length_that_is_a_lie_costs_no_memory(source: Source) -> None:
    source.read(b"\x81\x7f" + MESSAGE_BYTES_MAX.to_bytes(8, "big") + b"x" * 1000)
    assert source.lost is None
    assert BUFFER_BYTES > len(source.reader.space) > BUFFER_BYTES - 2000


def test_the_buffer_grows_with_a_message_and_shrinks_after_it(source: Source) -> None:
    data = encode(b"x" * 600_000)
    source.read(data[:-1])
    assert BUFFER_BYTES < len(source.reader.space)
    assert 1 == len(source.read(data[-1:]))
    assert BUFFER_BYTES == len(source.reader.space)


def test_the_buffer_shrinks_though_the_next_message_has_begun(source: Source) -> None:
    assert 1 == len(source.read(encode(b"x" * 600_000) + encode(b"next")[:3]))
    assert BUFFER_BYTES - 3 == len(source.reader.space)
    assert [b"next"] == source.read(encode(b"next")[3:])


def test_a_header_that_comes_in_two_is_not_read_from_older_bytes(source: Source) -> None:
    header, message = encode(b"y" * 70_000)[:10], b"y" * 70_000
    for size in range(1, len(header)):
        source.read(encode(b"\xff" * 100))
        assert [] == source.read(header[:size])
        assert [message] == source.read(header[size:] + message)


payloads = st.binary(max_size=300) | st.integers(0, 70_000).map(lambda length: b"z" * length)
whole = st.tuples(payloads, st.sampled_from([TEXT, BINARY])).map(
    lambda one: (encode(one[0], one[1]), [one[0]])
)
controls = st.tuples(st.binary(max_size=125), st.sampled_from([PING, PONG])).map(
    lambda one: (encode(one[0], one[1]), list[bytes]())
)


@st.composite
def in_fragments(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    parts = draw(st.lists(payloads, min_size=2, max_size=5))
    data = encode(parts[0], final=False)
    for number, part in enumerate(parts[1:], 2):
        data += draw(controls)[0] if draw(st.booleans()) else b""
        data += encode(part, CONTINUATION, final=number == len(parts))
    return data, [b"".join(parts)]


streams = st.lists(whole | controls | in_fragments(), max_size=8).map(
    lambda frames: (
        b"".join(data for data, _ in frames),
        [payload for _, payloads_ in frames for payload in payloads_],
    )
)


@given(streams, st.lists(st.integers(1, 5000), min_size=1))
@example((encode(b"x" * 400_000) * 2, [b"x" * 400_000] * 2), [300_000, 7])
def test_any_split_of_a_stream_gives_the_same_messages(
    stream: tuple[bytes, list[bytes]], sizes: list[int]
) -> None:
    data, expected = stream
    source = Source()
    offset, turn = 0, 0
    while offset < len(data):
        size = sizes[turn % len(sizes)]
        source.read(data[offset : offset + size])
        offset, turn = offset + size, turn + 1
    assert source.lost is None
    assert expected == source.messages


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_garbage_never_raises(parts: list[bytes]) -> None:
    source = Source()
    for part in parts:
        source.read(part)
