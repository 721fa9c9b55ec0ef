from pathlib import Path

import booktape
from booktape.report.incidents import DETAIL_CHARACTERS_MAX, LISTED_MAX, describe, read_incidents
from tests.support.hand_tape import NOON, SECOND, A, HandTape, feed, snapshot

SPAN = NOON - SECOND, NOON + 1000 * SECOND


def read(tape: HandTape) -> tuple[dict[str, int], list[tuple[str, str | None]], int]:
    found = read_incidents(booktape.open(tape.root), ["bitvavo"], SPAN)
    return (
        dict(found.kinds["bitvavo"]),
        [(one.kind, one.symbol) for one in found.listed],
        found.unlisted,
    )


def test_kinds_are_counted_and_what_concerns_a_feed_is_listed(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(
        A,
        feed(0, "session_start"),
        snapshot(1, 1, ("bid", 1.0, 1.0)),
        feed(2, "gap", symbol="BTC-EUR"),
        feed(3, "mismatch", symbol="BTC-EUR"),
        feed(4, "subscribed"),
        feed(5, "disconnected", symbols=["BTC-EUR"]),
    )
    kinds, listed, unlisted = read(tape)
    expected = {"session_start": 1, "gap": 1, "mismatch": 1, "subscribed": 1, "disconnected": 1}
    assert expected == kinds
    assert [("session_start", None), ("mismatch", "BTC-EUR"), ("disconnected", None)] == listed
    assert 0 == unlisted


def test_of_many_rows_each_kind_has_its_first_ones(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    many = [feed(n, "connected") for n in range(3 * LISTED_MAX)]
    tape.write(A, *many, feed(500, "disk_full"), feed(501, "session_end"))
    _, listed, unlisted = read(tape)
    assert LISTED_MAX == len(listed)
    assert [("disk_full", None), ("session_end", None)] == listed[-2:]
    assert 3 * LISTED_MAX + 2 - LISTED_MAX == unlisted


def test_a_detail_is_told_in_words() -> None:
    assert "connection 0, symbols 2" == describe(
        "disconnected", '{"connection":0,"symbols":["A","B"],"reason":""}'
    )
    assert "trading \N{RIGHTWARDS ARROW} halted" == describe(
        "status", '{"before":"trading","status":"halted"}'
    )
    assert "after another, 0.1.0, rest" == describe(
        "session_start", '{"session_before":"x","release":"0.1.0","transport":"rest"}'
    )
    assert "the first of its line" == describe("session_start", '{"session_before":null}')
    assert "step s 0.333" == describe("clock_step", '{"step_s":0.33333333}')
    assert "not json" == describe("gap", "not json")
    assert DETAIL_CHARACTERS_MAX == len(describe("gap", "x" * 500))


def test_where_nothing_is_worth_a_line_there_is_none(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "subscribed"), feed(1, "gap", symbol="BTC-EUR"))
    assert ({"subscribed": 1, "gap": 1}, [], 0) == read(tape)
