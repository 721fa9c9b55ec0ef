"""What lies between the threads that have to do with one feed."""

from shared.exchange import Outage
from shared.feed.board import AuditAnswer, Backfill, BackfillAnswer, Board, BookAnswer
from shared.feed.names import Names
from tests.support.toys import book, make_exchange, trades

NAMES = Names(make_exchange())


def test_a_board_begins_with_what_is_wanted_and_nothing_that_stands() -> None:
    board = Board(iter(["BTC-EUR"]), ["book"], NAMES, down_since_s=7.0)
    assert (("BTC-EUR",), ("book",)) == (board.wanted, board.channels)
    assert (False, 7.0, 0, "") == (
        board.link.is_connected,
        board.link.down_since_s,
        board.link.reconnects,
        board.link.error,
    )
    assert (frozenset(), frozenset(), 0) == (
        board.feed.live,
        board.feed.refused,
        board.feed.messages,
    )


def test_answers_are_handed_over_in_their_order_with_their_questions() -> None:
    board = Board([], [], NAMES, down_since_s=0.0)
    first, second = (Backfill(name, name, Outage("t1", None, 1), 5.0) for name in "AB")
    board.answer_backfill(first, trades(1, 2))
    board.answer_backfill(second, None, "gone")
    assert [
        BackfillAnswer(first, trades(1, 2), ""),
        BackfillAnswer(second, None, "gone"),
    ] == list(board.answers)


def test_there_is_news_until_the_recorder_took_what_lies_here() -> None:
    board = Board(["BTC-EUR"], ["book"], NAMES, down_since_s=0.0)
    assert not board.has_news()
    board.statuses["BTC-EUR"] = "trading"
    assert board.has_news()
    board.statuses.clear()
    board.books.append(BookAnswer(1, book("BTCEUR", 7)))
    assert board.has_news()
    board.books.popleft()
    board.audits.append(AuditAnswer("BTCEUR", 1, None))
    assert board.has_news()
    board.audits.popleft()
    assert not board.has_news()
