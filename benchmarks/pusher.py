"""Pushes prebuilt frames through a websocket as fast as its client reads them."""

import socket
from collections.abc import Iterator
from threading import Event, Thread

from msgspec import Struct, json
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks.market import Traffic
from services.operator.commands.demo_folder import Address

HOST = "127.0.0.1"
READ_BYTES = 64 * 1024
_FINAL_TEXT = 0x81
_IN_2_BYTES, _SHORT_MAX = 126, 125


class _Request(Struct):
    action: str
    market: str = ""


_decode = json.Decoder(_Request).decode


class Pusher:
    """Serves one client: its subscription, a book for each question, then all the changes.

    It sets `is_ready` once the client has asked for every book; the changes wait for `go`.
    """

    def __init__(self, traffic: Traffic) -> None:
        """Listen, and make the frames."""
        self.is_ready, self.go = Event(), Event()
        self._traffic = traffic
        self._frames = encode_frames(traffic.deltas)
        self._listener = socket.create_server((HOST, 0))
        # The client also asks for the list of markets, which must not take the one client's place.
        self._nobody = socket.socket()
        self._nobody.bind((HOST, 0))
        port, nobody = (one.getsockname()[1] for one in (self._listener, self._nobody))
        self.address = Address(f"ws://{HOST}:{port}/v2/", f"http://{HOST}:{nobody}/v2")
        self._thread = Thread(target=self._serve, name="pusher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up."""
        self.go.set()
        self._listener.close()
        self._nobody.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client:
            protocol = ServerProtocol()
            asked: set[str] = set()
            while len(asked) < len(self._traffic.symbols):
                for message in _receive(client, protocol):
                    asked |= self._answer(client, message)
            self.is_ready.set()
            self.go.wait()
            client.sendall(self._frames)
            while client.recv(READ_BYTES):  # until the client hangs up
                pass

    def _answer(self, client: socket.socket, message: bytes) -> set[str]:
        request = _decode(message)
        if request.action != "getBook":
            client.sendall(encode_frames([self._traffic.acknowledgement]))
            return set()
        client.sendall(encode_frames([self._traffic.snapshots[request.market]]))
        return {request.market}


def encode_frames(messages: list[bytes]) -> bytes:
    """Return the messages as a server sends them, each an unmasked frame."""
    frames = bytearray()
    for message in messages:
        length = len(message)
        if length <= _SHORT_MAX:
            frames += bytes((_FINAL_TEXT, length))
        elif length < 1 << 16:
            frames += bytes((_FINAL_TEXT, _IN_2_BYTES)) + length.to_bytes(2, "big")
        else:
            frames += bytes((_FINAL_TEXT, _IN_2_BYTES + 1)) + length.to_bytes(8, "big")
        frames += message
    return bytes(frames)


def _receive(client: socket.socket, protocol: ServerProtocol) -> Iterator[bytes]:
    """Yield the messages of one read; answer a handshake before."""
    protocol.receive_data(client.recv(READ_BYTES))
    for event in protocol.events_received():
        if isinstance(event, Request):
            protocol.send_response(protocol.accept(event))
        elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
            yield bytes(event.data)
    for data in protocol.data_to_send():
        client.sendall(data)
