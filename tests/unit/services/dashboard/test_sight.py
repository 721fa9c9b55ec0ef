"""What is decoded of a status."""

import json

from msgspec.structs import replace

from services.dashboard.sight import add_complaint, make_message, read_sight
from services.operator.commands.status import encode_compact
from shared.process.live_books import LiveBook
from tests.support.healths import TS, make_feed, make_health, make_program, make_writer

STATUS = encode_compact(
    replace(make_health(make_feed(state="disk_full"), make_writer()), programs=[make_program()])
)
BOOKS = {"bitvavo": {"BTC-EUR": LiveBook(7, [(1.0, 2.0)], [(3.0, 4.5)])}}


def test_a_status_is_read_as_the_command_prints_it() -> None:
    sight = read_sight(STATUS)
    assert TS == sight.ts
    [complaint] = sight.troubles
    assert "feed-disk-full" == complaint.code
    assert complaint.sentence.endswith(
        "the disk is full; make room, or lower [state] disk_free_min_bytes"
    )
    assert {"ingest_bitvavo-a": 91.7} == sight.rates()
    assert ["bitvavo"] == sight.exchanges()
    assert {"bitvavo"} == sight.find_alive()


def test_of_a_feed_that_never_reported_no_rate_is_known() -> None:
    mute = replace(make_feed(), report=None)
    assert {"ingest_bitvavo-a": None} == read_sight(encode_compact(make_health(mute))).rates()


def test_a_message_has_what_the_page_needs_and_the_books() -> None:
    message = json.loads(make_message(STATUS, BOOKS))
    expected = {"ts", "ok", "troubles", "processes", "programs", "journals", "spool_bytes", "books"}
    assert expected <= set(message)
    book = {"sequence": 7, "bids": [[1.0, 2.0]], "asks": [[3.0, 4.5]]}
    assert {"bitvavo": {"BTC-EUR": book}} == message["books"]
    assert "disk_full" == message["processes"][0]["state"]


def test_a_complaint_more_is_the_first_and_nothing_is_well() -> None:
    well = encode_compact(make_health())
    status = json.loads(add_complaint(well, b'{"code":"look-late","text":"t","remedy":"r"}'))
    assert (False, ["look-late"]) == (status["ok"], [each["code"] for each in status["troubles"]])
    assert "books" not in status
    late = add_complaint(make_message(STATUS, BOOKS), b'{"code":"x","text":"t","remedy":"r"}')
    assert {} == json.loads(late)["books"]
    both = json.loads(add_complaint(STATUS, b'{"code":"look-late","text":"t","remedy":"r"}'))
    assert ["look-late", "feed-disk-full"] == [each["code"] for each in both["troubles"]]
