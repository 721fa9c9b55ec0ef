from typing import Any

import pytest

from services.simulator.btcturk import edits

UPDATED = {"CP": 0, "P": "10", "A": "1"}
DELETED = {"CP": 3, "P": "20", "A": "2.5"}


def change() -> dict[str, Any]:
    return {"CS": 20, "BO": [{**UPDATED}], "AO": [{**DELETED}]}


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (edits.skip, {"CS": 21}),
        (edits.count_by_two, {"CS": 40}),
        (edits.count_alike, {"CS": 7}),
        (edits.add_again, {"BO": [{**UPDATED, "CP": 1}]}),
        (edits.empty_deleted, {"AO": [{**DELETED, "A": "0"}]}),
        (edits.dust, {"BO": [{**UPDATED, "A": edits.DUST}]}),
        (edits.name_twice, {"BO": [UPDATED, UPDATED], "AO": [DELETED, DELETED]}),
    ],
)
def test_a_change_is_another_in_this_and_nothing_else(edit: Any, changed: dict[str, Any]) -> None:
    body = change()
    edit(body)
    assert {**change(), **changed} == body


def test_digits_are_added_behind_a_point() -> None:
    body = change()
    edits.lengthen(body)
    assert "1.12345678911234567891" == body["BO"][0]["A"]
    assert "2.512345678911234567891" == body["AO"][0]["A"]


def test_a_ticker_is_told_in_other_words() -> None:
    body = {"items": [{"B": "10", "A": "20"}, {"B": "1", "A": "2"}]}
    edits.move(body)
    assert ["10.1", "1.01"] == [item["B"] for item in body["items"]]
    edits.dash(body)
    assert "-" == body["items"][0]["B"]
    edits.blank(body)
    assert "" == body["items"][0]["B"]
    edits.shorten(body)
    assert 1 == len(body["items"])
