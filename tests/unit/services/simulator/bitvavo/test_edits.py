from typing import Any

import pytest

from services.simulator.bitvavo import edits


def book() -> dict[str, Any]:
    return {"nonce": 20, "bids": [["10", "1"]], "asks": [["20", "2"]], "timestamp": 5_000_000}


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (edits.skip, {"nonce": 22}),
        (edits.double, {"bids": [["10", "2.0"]]}),
        (edits.twice, {"asks": [["20", "2"], ["20", "2"]]}),
        (edits.empty, {"bids": [], "asks": []}),
        (edits.cross, {"bids": [["10", "1"], ["99999999", "0"]]}),
        (edits.dust, {"asks": [["20", edits.DUST]]}),
        (edits.in_ms, {"timestamp": 5}),
        (edits.spoil, {"bids": [["many", "1"]]}),
    ],
)
def test_an_event_is_changed_in_this_and_nothing_else(edit: Any, changed: dict[str, Any]) -> None:
    body = book()
    edit(body)
    assert {**book(), **changed} == body


def test_dust_is_nothing_to_a_float64() -> None:
    assert 0.0 == float(edits.DUST)


def test_digits_are_added_to_a_number_with_a_point() -> None:
    body = {**book(), "bids": [["10", "0.5"]]}
    edits.lengthen(body)
    assert [["10", "0.512345678911234567891"]] == body["bids"]
    assert 0.5 < float(body["bids"][0][1]) < 0.6
