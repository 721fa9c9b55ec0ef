"""Edits one message of BtcTurk so that it breaks one assumption."""

from typing import Any, Final

TEN_DIGITS: Final = "1234567891"
DUST: Final = f"0.{'0' * 400}1"  # float64 makes 0 of it
UPDATED, ADDED, DELETED = 0, 1, 3
SIDES: Final = ("AO", "BO")


def skip(body: Any) -> None:
    """Leave one number out."""
    body["CS"] += 1


def count_by_two(body: Any) -> None:
    """Count by two."""
    body["CS"] *= 2


def count_alike(body: Any) -> None:
    """Give all the same number."""
    body["CS"] = 7


def add_again(body: Any) -> None:
    """Mark each changed level as a new one."""
    for level in _changes(body, UPDATED):
        level["CP"] = ADDED


def empty_deleted(body: Any) -> None:
    """Give a deleted level no size."""
    for level in _changes(body, DELETED):
        level["A"] = "0"


def deepen(body: Any) -> None:
    """Add a level at the end, and never remove it."""
    body["BO"].append({"CP": ADDED, "P": f"0.{abs(body['CS']):020d}", "A": "1"})


def cross(body: Any) -> None:
    """Put a bid above all asks."""
    body["BO"].append({"CP": UPDATED, "P": "99999999", "A": "1"})


def name_twice(body: Any) -> None:
    """Name one price twice."""
    for side in SIDES:
        body[side] = body[side][:1] + body[side]


def lengthen(body: Any) -> None:
    """Write more digits than a float64 has."""
    for side in SIDES:
        for level in body[side]:
            level["A"] = f"{level['A']}{'' if '.' in level['A'] else '.'}{TEN_DIGITS}{TEN_DIGITS}"


def dust(body: Any) -> None:
    """Make sizes almost zero."""
    for level in [*_changes(body, UPDATED), *_changes(body, ADDED)]:
        level["A"] = DUST


def spoil(body: Any) -> None:
    """Write a price in letters."""
    body["BO"].append({"CP": ADDED, "P": "many", "A": "1"})


def resize(body: Any) -> Any:
    """Set all sizes to one."""
    return {**body, **{side: [{**level, "A": "0.5"} for level in body[side]] for side in SIDES}}


def turn(body: Any) -> None:
    """Name the maker's side."""
    body["S"] = 1 - body["S"]


def reverse(body: Any) -> None:
    """Begin with the oldest."""
    body["items"].reverse()


def count_down(body: Any) -> None:
    """Count ids down."""
    body["I"] = str(10**18 - int(body["I"]))


def shorten(body: Any) -> None:
    """Leave a pair out."""
    body["items"].pop(0)


def move(body: Any) -> None:
    """Give prices that no book has."""
    for item in body["items"]:
        item["B"] = str(float(item["B"]) * 1.01)
        item["A"] = str(float(item["A"]) * 1.01)


def dash(body: Any) -> None:
    """Write an empty side as a dash."""
    body["items"][0]["B"] = "-"


def blank(body: Any) -> None:
    """Write an empty side as empty text."""
    body["items"][0]["B"] = ""


def resize_rest(data: Any) -> None:
    """Set the size of all bids to one."""
    data["bids"] = [[price, "0.5"] for price, _ in data["bids"]]


def rename_rest(data: Any) -> None:
    """Give trades other ids."""
    for row in data:
        row["tid"] += "0"


def rename_pairs(data: Any) -> None:
    """Name a pair in another way."""
    data["symbols"][0]["name"] += "X"


def pause_pair(data: Any) -> None:
    """Give a pair an unknown status."""
    data["symbols"][0]["status"] = "PAUSED"


def _changes(body: Any, kind: int) -> list[Any]:
    return [level for side in SIDES for level in body[side] if level["CP"] == kind]
