import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.simulator import connection as module
from services.simulator.bitvavo.listing import list_markets as bitvavo_markets
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.truth import Truth
from tests.unit.services.simulator.fakes import FakeSocket

LISTING = bitvavo_markets(1, levels=10)[0]


class Wire:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.truth = Truth(path, clock_ns=lambda: 7)
        self.socket = FakeSocket()
        self.connection = ClientConnection(4, self.socket, truth=self.truth)
        self.chain = ClientChain(LISTING)

    def send(self, *sequences: int) -> None:
        for sequence in sequences:
            self.connection.send_delta(self.chain, f"delta {sequence}", sequence=sequence)

    def send_ranges(self, *ranges: tuple[int, int]) -> None:
        for first, last in ranges:
            self.connection.send_delta(self.chain, f"{first} {last}", first=first, sequence=last)

    def gaps(self) -> list[tuple[int, int]]:
        faults = [line for line in self.lines("fault") if line["is_gap"]]
        return [(line["sequence_expected"], line["sequence_received"]) for line in faults]

    def lines(self, kind: str) -> list[dict[str, Any]]:
        self.truth.flush()
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if line["type"] == kind]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "truth.jsonl")
    yield wire
    wire.truth.end()


def test_the_truth_holds_what_the_socket_took(wire: Wire) -> None:
    assert wire.connection.send("a")
    wire.socket.is_open = False
    assert not wire.connection.send("b")
    assert ["a"] == wire.socket.messages
    assert ["a"] == [line["message"] for line in wire.lines("sent")]


def test_a_chain_is_settled_by_a_snapshot_and_a_change_after_it(wire: Wire) -> None:
    wire.send(4, 5)
    settled = [wire.chain.is_settled]
    wire.chain.rebase(5)
    settled.append(wire.chain.is_settled)
    wire.send(6)
    settled.append(wire.chain.is_settled)
    assert [False, False, True] == settled
    assert [] == wire.lines("fault")


def test_a_withheld_message_shows_with_the_next_one(wire: Wire) -> None:
    wire.chain.rebase(5)
    wire.send(6)
    wire.chain.withheld = 2
    wire.send(7, 8)
    assert [] == wire.lines("fault")
    wire.send(9, 10)
    fault = wire.lines("fault")[0]
    assert ("gap", 4, "BTC-EUR", 7, 9, True) == (
        fault["fault"],
        fault["connection"],
        fault["symbol"],
        fault["sequence_expected"],
        fault["sequence_received"],
        fault["is_gap"],
    )
    assert 1 == len(wire.lines("fault"))
    assert ["delta 6", "delta 9", "delta 10"] == wire.socket.messages


def test_a_break_that_no_client_can_see_is_no_fault(wire: Wire) -> None:
    wire.chain.withheld = 1
    wire.send(7, 8)
    assert [] == wire.lines("fault")


def test_a_snapshot_before_the_break_shows_hides_it(wire: Wire) -> None:
    wire.chain.rebase(5)
    wire.send(6)
    wire.chain.withheld = 1
    wire.send(7)
    wire.chain.rebase(7)
    wire.send(8)
    assert [] == wire.lines("fault")


def test_a_chain_stays_pending_until_the_client_asks_again(wire: Wire) -> None:
    wire.chain.rebase(5)
    wire.send(6)
    wire.chain.withheld = 1
    pending = [wire.chain.is_pending]
    wire.send(7, 8, 9)
    pending.append(wire.chain.is_pending)
    assert not wire.chain.is_settled
    wire.chain.rebase(9)
    pending.append(wire.chain.is_pending)
    assert [True, True, False] == pending


def test_a_snapshot_in_the_middle_of_a_range_is_continued_by_it(wire: Wire) -> None:
    wire.chain.rebase(15)
    wire.send_ranges((3, 9), (10, 15))
    assert not wire.chain.has_delta
    wire.send_ranges((12, 20), (21, 30))
    assert [] == wire.gaps()
    assert (30, True) == (wire.chain.sequence, wire.chain.is_settled)


def test_a_range_that_is_not_sent_is_a_break_at_the_first_number_of_the_next(wire: Wire) -> None:
    wire.chain.rebase(15)
    wire.send_ranges((16, 20))
    wire.chain.withheld = 1
    wire.send_ranges((21, 22), (23, 30))
    assert [(21, 23)] == wire.gaps()


def test_a_stalled_connection_loses_all_and_shows_it_afterwards(wire: Wire) -> None:
    wire.chain.rebase(5)
    wire.connection.is_stalled = True
    wire.send(6, 7)
    assert not wire.connection.send("a")
    wire.connection.is_stalled = False
    wire.send(8)
    assert ["delta 8"] == wire.socket.messages
    assert [("stall", 6, 8)] == [
        (line["fault"], line["sequence_expected"], line["sequence_received"])
        for line in wire.lines("fault")
    ]


def test_a_spoilt_message_takes_the_place_of_the_real_one(wire: Wire) -> None:
    wire.chain.rebase(5)
    wire.chain.garbage, wire.chain.garbage_kind = lambda text: text[:3], "truncated_book"
    wire.send(6, 7)
    assert ["del", "delta 7"] == wire.socket.messages
    fault = wire.lines("fault")[0]
    assert ("garbage", "truncated_book", 6, None, False) == (
        fault["fault"],
        fault["kind"],
        fault["sequence_expected"],
        fault["sequence_received"],
        fault["is_gap"],
    )
    assert 1 == len(wire.lines("fault"))


def test_a_slow_reader_is_cut_off(wire: Wire) -> None:
    wire.socket.unsent_bytes = module.UNSENT_BYTES_MAX
    wire.connection.send("a")
    aborted = [wire.socket.is_aborted]
    wire.socket.unsent_bytes += 1
    wire.connection.send("b")
    aborted.append(wire.socket.is_aborted)
    assert [False, True] == aborted
    assert "slow reader" == wire.connection.close_reason
    assert module.UNSENT_BYTES_MAX + 1 == wire.connection.unsent_bytes


def test_the_first_reason_to_close_is_kept(wire: Wire) -> None:
    wire.connection.close("close")
    wire.connection.abort("drop")
    assert "close" == wire.connection.close_reason
    assert 1000 == wire.socket.code


def test_a_ping_left_unanswered_is_a_fault(wire: Wire) -> None:
    wire.connection.answer_pings(is_answering=False)
    assert [] == wire.lines("fault")
    assert wire.socket.on_withheld is not None
    wire.socket.on_withheld()
    assert ["no_pong"] == [line["fault"] for line in wire.lines("fault")]
    wire.connection.answer_pings(is_answering=True)
    assert wire.socket.on_withheld is None


def test_a_book_that_was_asked_for_begins_one_where_that_is_sure() -> None:
    chain = ClientChain(LISTING)
    chain.give(10)
    assert (10, True) == (chain.sequence, chain.has_snapshot)
    chain.sequence = 12
    chain.give(11)  # older than what was sent: nothing changes
    assert (12, True) == (chain.sequence, chain.has_snapshot)
    chain.give(12)
    assert chain.has_snapshot
    chain.lose("gap")
    chain.give(14)  # ahead of a live book: who knows what the client makes of it
    assert (False, True) == (chain.has_snapshot, chain.is_pending)
    chain.give(14)
    assert (14, True, False) == (chain.sequence, chain.has_snapshot, chain.is_pending)
