"""The rows that an audit leaves."""

import msgspec

from booktape.ladder import Comparison, Difference
from shared.feed.audit_rows import audit_event, mismatch_event

FOUND = Comparison(7, 2, Difference("bid", 99.5, 1.0, None))


def test_an_audit_says_what_was_compared_and_how_the_tickers_did() -> None:
    event = audit_event("edge", FOUND, (3, 4), 12)
    detail = {"cause": "edge", "compared": 7, "differ": 2, "ticker": [3, 4]}
    assert ("audit", 12, detail) == (
        event.kind,
        event.sequence_received,
        msgspec.json.decode(event.detail),
    )


def test_a_mismatch_names_the_first_level_that_differs() -> None:
    first = {"side": "bid", "price": 99.5, "ours": 1.0, "theirs": None}
    assert {"differ": 2, **first} == msgspec.json.decode(mismatch_event(FOUND).detail)
