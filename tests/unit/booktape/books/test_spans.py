import pytest

from booktape.books.spans import (
    Facts,
    Hole,
    Piece,
    Row,
    Run,
    Span,
    find_last_ended,
    find_spans,
    parse_detail,
    stitch_spans,
)
from tests.support.hand_tape import BTC, ETH

SESSION = ("20261122T120000.000000Z-bitvavo-a", "a")
LATEST = 500


def run(number: int, ts: int, epoch: int, kind: str = "delta", *, ts_max: int = 0) -> Run:
    return Run(
        number=number,
        last=number,
        ts=ts,
        ts_max=max(ts, ts_max),
        epoch=epoch,
        is_snapshot=kind != "delta",
        is_checkpoint=kind == "checkpoint",
        flush=0,
        begin=number,
        end=number + 1,
    )


def row(number: int, ts: int, kind: str, symbol: str | None = None, detail: str = "{}") -> Row:
    return Row(number, ts, kind, symbol, detail, parse_detail(detail))


def spans_of(
    *items: Run | Row | Hole,
    latest: int = LATEST,
    next_epoch: int | None = None,
    is_polled: bool = False,
) -> list[tuple[int, int, str]]:
    """Return start, end and cause of each span."""
    found = walk(*items, latest=latest, next_epoch=next_epoch, is_polled=is_polled)
    return [(span.start, span.end, span.cause) for span in found]


def walk(
    *items: Run | Row | Hole,
    latest: int = LATEST,
    next_epoch: int | None = None,
    is_polled: bool = False,
) -> list[Span]:
    facts = Facts(lambda _: latest, lambda: next_epoch, lambda: is_polled)
    runs = [item for item in items if isinstance(item, Run)]
    rows = [item for item in items if not isinstance(item, Run)]
    return find_spans(SESSION, BTC, runs, rows, facts, end_number=1000)


BOOK = run(1, 100, 1, "snapshot")


def test_a_span_opens_at_a_snapshot_and_ends_behind_the_last_row() -> None:
    assert [(100, LATEST + 1, "open")] == spans_of(BOOK, run(2, 150, 1))
    assert [] == spans_of(run(2, 150, 1))


def test_a_checkpoint_opens_one_too_and_continues_an_open_one() -> None:
    assert [(100, 501, "open")] == spans_of(run(7, 100, 1, "checkpoint"), run(8, 150, 1))
    (span,) = walk(BOOK, run(2, 150, 1, "checkpoint"), run(3, 160, 1))
    assert [1, 2, 3] == [placed.run.number for placed in span.runs]


def test_a_snapshot_ends_one_and_opens_the_next_at_the_same_instant() -> None:
    expected = [(100, 200, "snapshot"), (200, 501, "open")]
    assert expected == spans_of(BOOK, run(2, 200, 2, "snapshot"))
    assert expected == spans_of(BOOK, run(2, 200, 2, "checkpoint"))


def test_a_delta_of_another_epoch_does_not_count() -> None:
    (span,) = walk(BOOK, run(2, 150, 9), run(3, 160, 1))
    assert [1, 3] == [placed.run.number for placed in span.runs]


def test_the_effective_time_never_falls() -> None:
    (span,) = walk(BOOK, run(2, 90, 1, ts_max=130), run(3, 110, 1))
    assert [100, 100, 130] == [placed.ts for placed in span.runs]
    assert 130 == span.ts_last


@pytest.mark.parametrize("kind", ["gap", "malformed", "resync", "mismatch", "stale"])
def test_a_row_of_the_symbol_ends_its_book(kind: str) -> None:
    assert [(100, 200, kind)] == spans_of(BOOK, row(2, 200, kind, BTC))
    assert [(100, 501, "open")] == spans_of(BOOK, row(2, 200, kind, ETH))


@pytest.mark.parametrize("kind", ["gap", "malformed"])
def test_a_gap_is_of_the_channel_that_it_names(kind: str) -> None:
    assert [(100, 200, kind)] == spans_of(BOOK, row(2, 200, kind, BTC, '{"channel":"book"}'))
    trades = row(2, 200, kind, BTC, '{"channel":"trades"}')
    assert [(100, 501, "open")] == spans_of(BOOK, trades)
    assert [(100, 501, "open")] == spans_of(BOOK, row(2, 200, kind))


@pytest.mark.parametrize("kind", ["disconnected", "stale", "disk_full"])
def test_a_connection_ends_the_books_that_it_lists(kind: str) -> None:
    listed = row(2, 200, kind, None, '{"symbols":["BTC-EUR"]}')
    assert [(100, 200, kind)] == spans_of(BOOK, listed, run(3, 210, 1))
    others = row(2, 200, kind, None, '{"symbols":["ETH-EUR"]}')
    assert [(100, 501, "open")] == spans_of(BOOK, others, run(3, 210, 2))


def test_without_a_list_the_next_row_of_the_book_tells() -> None:
    lost = row(2, 200, "disconnected")
    assert [(100, 501, "open")] == spans_of(BOOK, lost, run(3, 210, 1))
    again = [(100, 200, "disconnected"), (210, 501, "open")]
    assert again == spans_of(BOOK, lost, run(3, 210, 3, "snapshot"))
    assert [(100, 501, "open")] == spans_of(BOOK, lost, next_epoch=1)
    assert [(100, 200, "disconnected")] == spans_of(BOOK, lost, next_epoch=None)


def test_an_end_is_never_before_the_last_row() -> None:
    late = run(2, 150, 1, ts_max=220)
    assert [(100, 220, "gap")] == spans_of(BOOK, late, row(3, 200, "gap", BTC))


def test_a_session_that_was_stopped_ends_then() -> None:
    stopped = row(2, 200, "session_end", None, '{"reason":"stopped","events":3}')
    assert [(100, 200, "stopped")] == spans_of(BOOK, stopped)


def test_a_session_that_was_killed_ended_with_its_last_row() -> None:
    killed = row(2, 9_000, "session_end", None, '{"reason":"killed","events":3}')
    assert [(100, 301, "killed")] == spans_of(BOOK, killed, latest=300)


def test_behind_a_journal_hole_only_a_snapshot_opens_again() -> None:
    hole = row(2, 9_000, "journal_hole")
    expected = [(100, 301, "journal_hole"), (320, 301, "open")]
    found = spans_of(BOOK, hole, run(5, 310, 1), run(6, 320, 1, "checkpoint"), latest=300)
    assert (expected[0], 320) == (found[0], found[1][0])


def test_a_clock_that_goes_back_ends_all_and_forward_nothing() -> None:
    back = row(2, 50, "clock_step", None, '{"step_s":-60.0}')
    assert [(100, 101, "clock_step")] == spans_of(BOOK, back, run(3, 55, 1))
    forward = row(2, 50, "clock_step", None, '{"step_s":60}')
    assert [(100, 501, "open")] == spans_of(BOOK, forward)


def test_a_failed_poll_ends_a_polled_book_alone() -> None:
    slow, refused = row(2, 200, "rate_limited"), row(2, 200, "subscription_refused", BTC)
    for failed in (slow, refused):
        assert [(100, 501, "open")] == spans_of(BOOK, failed)
        assert [(100, 200, failed.kind)] == spans_of(BOOK, failed, is_polled=True)


@pytest.mark.parametrize("kind", ["audit", "status", "crossed", "subscribed", "connected"])
def test_other_rows_end_nothing(kind: str) -> None:
    for symbol in (None, BTC):
        assert [(100, 501, "open")] == spans_of(BOOK, row(2, 200, kind, symbol))


def test_what_is_not_stored_ends_all() -> None:
    found = spans_of(BOOK, Hole(2), run(5, 310, 1), latest=300)
    assert [(100, 301, "open")] == found


def test_a_detail_that_is_none_of_ours_says_nothing() -> None:
    assert parse_detail("{}") == parse_detail('{"channel":5}') == parse_detail("no")


def span(
    start: int, end: int, *, line: str = "a", day: int = 22, first: int = 0, cause: str = "gap"
) -> Span:
    session = f"202611{day}T120000.000000Z-bitvavo-{line}"
    return Span(session, line, first, first, start, end, start, cause)


def stitched(*spans: Span, start: int = 0, end: int = 100) -> list[tuple[int, int, Span | None]]:
    return [(p.start, p.end, p.span) for p in stitch_spans(spans, start, end)]


def test_the_lowest_line_is_believed_as_long_as_it_knows() -> None:
    a, b, again = span(10, 40), span(20, 80, line="b"), span(60, 90, first=5)
    expected = [(0, 10, None), (10, 40, a), (40, 60, b), (60, 90, again), (90, 100, None)]
    assert expected == stitched(b, again, a)


def test_of_one_line_the_latest_session_is_believed() -> None:
    old, new = span(0, 100, day=21), span(50, 60, day=22)
    assert [(0, 50, old), (50, 60, new), (60, 100, old)] == stitched(new, old)


def test_of_one_session_the_highest_number_is_believed() -> None:
    first, second = span(0, 100), span(30, 40, first=9)
    assert [(0, 30, first), (30, 40, second), (40, 100, first)] == stitched(first, second)


def test_spans_outside_and_empty_ones_change_nothing() -> None:
    assert [(0, 100, None)] == stitched(span(-9, 0), span(100, 120), span(50, 50), span(60, 50))
    assert [] == stitch_spans([span(0, 100)], 50, 50)
    around = span(-10, 500)
    assert [Piece(0, 100, around)] == stitch_spans([around], 0, 100)


def test_the_span_that_ended_last_tells_why() -> None:
    first, last, later = span(0, 10, first=1), span(5, 10, first=2), span(20, 30)
    assert last == find_last_ended([first, last, later], 29)
    assert first == find_last_ended([first], 10)
    assert None is find_last_ended([first], 9)
