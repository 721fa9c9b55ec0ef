"""Dials a host: the first of its addresses that answers wins.

Some addresses of a name may lead nowhere: an exchange publishes IPv6, but the machine has no
working IPv6. So each attempt starts a moment after the one before, and both go on:
https://www.rfc-editor.org/rfc/rfc8305
"""

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

ATTEMPT_INTERVAL_S: Final = 0.25  # as RFC 8305 advises
ADDRESSES_MAX: Final = 16

SocketOption = tuple[int, int, int]
_Address = tuple[
    socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
]


def dial(
    host: str, port: int, *, timeout_s: float, options: Sequence[SocketOption] = ()
) -> socket.socket:
    """Return a connected socket with these options, in blocking mode with `timeout_s`.

    Raise OSError if every address refused, TimeoutError if the time is over, gaierror if the name
    has no address.
    """
    until_s = time.monotonic() + timeout_s
    race = _Race(find_addresses(host, port), options)
    try:
        winner = race.run(until_s)
    finally:
        race.end()
    winner.settimeout(timeout_s)
    return winner


def find_addresses(host: str, port: int) -> list[_Address]:
    """Return a host's addresses, both families by turns, the system's preferred family first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    favourite = found[0][0]
    own = deque((family, address) for family, _, _, _, address in found if family == favourite)
    other = deque((family, address) for family, _, _, _, address in found if family != favourite)
    mixed: list[_Address] = []
    while own or other:
        mixed += [queue.popleft() for queue in (own, other) if queue]
    return mixed[:ADDRESSES_MAX]


class _Race:
    """Runs attempts side by side until one wins."""

    def __init__(self, addresses: Sequence[_Address], options: Sequence[SocketOption]) -> None:
        self._waiting = deque(addresses)
        self._options = options
        self._selector = selectors.DefaultSelector()
        self._running: dict[socket.socket, str] = {}
        self._failed: dict[str, OSError] = {}

    def run(self, until_s: float) -> socket.socket:
        """Return the first connected socket."""
        due_s = time.monotonic()
        while self._waiting or self._running:
            now_s = time.monotonic()
            if now_s >= until_s:
                raise TimeoutError
            if self._waiting and (now_s >= due_s or not self._running):
                self._start()
                due_s = now_s + ATTEMPT_INTERVAL_S
                continue
            wait_s = min(due_s, until_s) - now_s if self._waiting else until_s - now_s
            for key, _ in self._selector.select(wait_s):
                assert isinstance(key.fileobj, socket.socket)
                if winner := self._finish_attempt(key.fileobj):
                    return winner
                due_s = now_s  # after a refusal the next address need not wait
        raise self._explain()

    def end(self) -> None:
        """Close the sockets of all addresses that did not win."""
        for loser in self._running:
            loser.close()
        self._selector.close()

    def _start(self) -> None:
        family, address = self._waiting.popleft()
        name = str(address[0])
        try:
            runner = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # a family that the system does not know
            self._failed[name] = error
            return
        self._running[runner] = name
        try:
            for option in self._options:
                runner.setsockopt(*option)
            runner.settimeout(0.0)
            with suppress(BlockingIOError):
                runner.connect(address)
            self._selector.register(runner, selectors.EVENT_WRITE)
        except OSError as error:  # no route, say
            self._drop(runner, error)

    def _finish_attempt(self, runner: socket.socket) -> socket.socket | None:
        self._selector.unregister(runner)
        if number := runner.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._drop(runner, OSError(number, os.strerror(number)))
            return None
        del self._running[runner]
        return runner

    def _drop(self, runner: socket.socket, error: OSError) -> None:
        self._failed[self._running.pop(runner)] = error
        runner.close()

    def _explain(self) -> OSError:
        """Return the one error, or one that lists each address's error."""
        errors = {error.strerror: error for error in self._failed.values()}
        if len(errors) == 1:
            return next(iter(errors.values()))
        said = "; ".join(f"{error.strerror} ({name})" for name, error in self._failed.items())
        return OSError(0, said)
