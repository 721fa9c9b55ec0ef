"""Cuts the bytes of websocket frames into messages.

Each frame is two bytes and its length, then the payload, which a server never masks; a message is
one frame or several: https://www.rfc-editor.org/rfc/rfc6455#section-5.2
"""

from struct import Struct
from typing import Final, NoReturn

from shared.errors import ConnectionLost

MESSAGE_BYTES_MAX: Final = 128 * 1024 * 1024
BUFFER_BYTES: Final = 256 * 1024

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_OPCODES = {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}
# The first byte: the mark of a message's last frame, three bits for extensions, the opcode.
_FINAL, _RESERVED, _OPCODE, _CONTROL = 0x80, 0x70, 0x0F, 0x08
_WHOLE_TEXT = _FINAL | TEXT
# The second byte: the mark of a mask, then the length up to 125, or the size of a longer length.
_MASKED, _SHORT_MAX, _IN_2_BYTES = 0x80, 125, 126
_UINT16, _UINT64 = Struct(">H"), Struct(">Q")
_HEADER_BYTES_MIN = 2
_CODE_BYTES = 2


class MessageReader:
    """Turns a websocket's bytes into messages; it neither reads nor sends.

    The caller reads the next bytes into `space`. After each cut it checks two values: `reply`, the
    opcode and payload of a frame, which it sends and sets to `None`; and `lost`, the reason if the
    connection is at its end.
    """

    def __init__(self) -> None:
        """Start at the beginning of a frame."""
        self.pings = self.binaries = self.fragmented = 0  # binary messages, and those in parts
        self.reply: tuple[int, bytes] | None = None
        self.lost: ConnectionLost | None = None
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = self.space = memoryview(self._buffer)
        self._rest = 0  # bytes at the beginning, read and not yet cut
        self._fragments: bytearray | None = None

    def cut_messages(self, count: int) -> list[bytes]:
        """Return the messages that the next `count` bytes completed."""
        buffer, view, start, end = self._buffer, self._view, 0, self._rest + count
        messages: list[bytes] = []
        try:
            while end - start >= _HEADER_BYTES_MIN:
                first, length, payload = buffer[start], buffer[start + 1], start + 2
                if length > _SHORT_MAX:
                    if length & _MASKED:
                        _fail("a frame is masked")
                    number = _UINT16 if length == _IN_2_BYTES else _UINT64
                    payload += number.size
                    if payload > end:
                        break
                    (length,) = number.unpack_from(buffer, start + 2)
                is_simple = first == _WHOLE_TEXT and self._fragments is None
                if not is_simple or length > BUFFER_BYTES:
                    self._check(first, length)
                stop = payload + length
                if stop > end:
                    break
                if is_simple:
                    messages.append(view[payload:stop].tobytes())
                else:
                    self._cut_other(first, view[payload:stop].tobytes(), messages)
                start = stop
        except ConnectionLost as lost:
            self.lost = lost
        if start != end or self._rest or len(buffer) != BUFFER_BYTES:
            self._keep(start, end)
        return messages

    def _keep(self, start: int, end: int) -> None:
        """Move the remaining bytes to the beginning.

        The buffer doubles only when a frame fills it, so that a false length costs no memory.
        """
        rest = self._view[start:end]
        size = BUFFER_BYTES
        while size <= len(rest):
            size *= 2
        if start or size != len(self._buffer):
            if size != len(self._buffer):
                self._buffer = bytearray(size)
                self._view = memoryview(self._buffer)
            self._view[: len(rest)] = rest
        self._rest = len(rest)
        self.space = self._view[self._rest :]

    def _check(self, first: int, length: int) -> None:
        """Raise ConnectionLost if the protocol forbids a frame that begins like this."""
        opcode = first & _OPCODE
        fault = ""
        if first & _RESERVED:
            fault = f"reserved bits are set ({first:#04x})"
        elif opcode not in _OPCODES:
            fault = f"opcode {opcode} is unknown"
        elif opcode & _CONTROL:
            if length > _SHORT_MAX or not first & _FINAL:
                fault = "a control frame is too long or in fragments"
        elif (opcode == CONTINUATION) != (self._fragments is not None):
            fault = "a fragment without its message"
        elif length + len(self._fragments or b"") > MESSAGE_BYTES_MAX:
            fault = f"a message is longer than {MESSAGE_BYTES_MAX} bytes"
        if fault:
            _fail(fault)

    def _cut_other(self, first: int, payload: bytes, messages: list[bytes]) -> None:
        opcode = first & _OPCODE
        if opcode == PING:
            self.pings += 1
            self.reply = PONG, payload  # one pong, to the last of several pings, answers them all
        elif opcode == CLOSE:
            code, reason = payload[:_CODE_BYTES], payload[_CODE_BYTES:]
            self.reply = CLOSE, code if len(code) == _CODE_BYTES else b""
            raise ConnectionLost(_explain_close(self.reply[1], reason))
        elif opcode == BINARY and first & _FINAL:
            self.binaries += 1
            messages.append(payload)
        elif opcode != PONG:
            self.binaries += opcode == BINARY
            self._fragments = self._fragments or bytearray()
            self._fragments += payload
            if first & _FINAL:
                self.fragmented += 1
                messages.append(bytes(self._fragments))
                self._fragments = None


def _fail(fault: str) -> NoReturn:
    raise ConnectionLost(f"the exchange broke the protocol: {fault}")


def _explain_close(code: bytes, reason: bytes) -> str:
    if not code:
        return "the exchange closed the connection, without a code"
    words = f"code {int.from_bytes(code, 'big')} {reason.decode(errors='replace')}"
    return f"the exchange closed the connection: {words}".rstrip()
