import json
from typing import Any

import pytest

from services.simulator.garbage import BOOK_GARBAGE, PLAIN_GARBAGE, truncated, wrongly_typed

BOOK = '{"event":"book","market":"BTC-EUR","nonce":5,"bids":[["1.0","2"]],"asks":[],"timestamp":9}'
CHANGE = (
    '[432,{"CS":5,"PS":"BTCTRY","AO":[],"BO":[{"CP":1,"P":"1","A":"2"}],'
    '"channel":"obdiff","event":"BTCTRY","type":432}]'
)


@pytest.mark.parametrize("message", [BOOK, CHANGE])
def test_a_truncated_book_names_its_market_and_is_no_json(message: str) -> None:
    text = truncated(message)
    assert message.startswith(text)
    assert "BTC" in text
    with pytest.raises(ValueError, match=r".+"):
        json.loads(text)


def test_a_book_of_wrong_types_is_json_without_a_sequence() -> None:
    book: dict[str, Any] = json.loads(wrongly_typed(BOOK))
    assert ("x", [1.5, None]) == (book["nonce"], book["bids"][0])
    change: dict[str, Any] = json.loads(wrongly_typed(CHANGE))[1]
    assert ("x", {"P": 1.5}) == (change["CS"], change["BO"][0])


def test_every_kind_has_a_name_of_its_own() -> None:
    assert not BOOK_GARBAGE.keys() & PLAIN_GARBAGE.keys()
    assert len(PLAIN_GARBAGE["huge"]) > 1_000_000
    assert isinstance(PLAIN_GARBAGE["binary"], bytes)
