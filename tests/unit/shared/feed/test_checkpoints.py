"""Whose book is written whole, and when."""

from shared.feed.checkpoints import Checkpoints


def turns(checkpoints: Checkpoints, raw_symbols: list[str], start: int, end: int) -> dict[int, str]:
    """Look each second; return whose turn it was when."""
    found = {now: checkpoints.due(raw_symbols, now) for now in range(start, end)}
    return {now: raw_symbol for now, raw_symbol in found.items() if raw_symbol}


def test_each_symbol_has_its_turn_once_an_interval_evenly_spread() -> None:
    found = turns(Checkpoints(90.0), ["A", "B", "C"], 0, 270)
    assert {30: "A", 60: "B", 90: "C", 120: "A", 150: "B", 180: "C", 210: "A", 240: "B"} == found


def test_without_symbols_it_is_nobodys_turn() -> None:
    checkpoints = Checkpoints(90.0)
    assert {} == turns(checkpoints, [], 0, 500)
    assert {590: "A"} == turns(checkpoints, ["A"], 500, 600)


def test_a_new_symbol_has_its_turn_once_all_others_had_theirs() -> None:
    checkpoints = Checkpoints(90.0)
    assert {30: "A"} == turns(checkpoints, ["A", "B", "C"], 0, 31)
    found = turns(checkpoints, ["D", "A", "B", "C"], 31, 160)
    assert {60: "B", 83: "C", 105: "A", 128: "D", 150: "B"} == found


def test_a_symbol_that_is_gone_has_no_turn() -> None:
    checkpoints = Checkpoints(90.0)
    turns(checkpoints, ["A", "B", "C"], 0, 31)
    assert set("AC") == set(turns(checkpoints, ["A", "C"], 31, 300).values())


def test_after_a_long_stop_there_is_no_burst() -> None:
    checkpoints = Checkpoints(90.0)
    turns(checkpoints, ["A", "B", "C"], 0, 31)
    assert [10_000, 10_030, 10_060] == [*turns(checkpoints, ["A", "B", "C"], 10_000, 10_061)]
