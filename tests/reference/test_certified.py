"""Holds the library on certified days alone against the reference, which read the segments."""

import shutil
from pathlib import Path

import pytest

import booktape
from booktape.certificate import Certificate, SymbolFigures
from booktape.keys import day_of
from tests.support.agreement.books import (
    compare_books,
    compare_changes,
    compare_coverage,
    compare_grid,
    compare_replay,
    compare_stitched,
    compare_top_at,
)
from tests.support.agreement.pair import Pair, rows_of
from tests.support.agreement.trades import compare_bars, compare_quotes, compare_trades
from tests.support.certified import certify_all, leave_certified_alone
from tests.support.reference.reader import Reference
from tests.support.reference.rows import Event
from tests.support.small_tapes import SMALL_TAPES
from tests.support.tape_lines import DAY

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")
SECOND, MINUTE = 1_000_000, 60_000_000


@pytest.fixture(params=SMALL_TAPES)
def pair(request: pytest.FixtureRequest, small_tapes: dict[str, Path], tmp_path: Path) -> Pair:
    root = tmp_path / "tape"
    shutil.copytree(small_tapes[request.param], root)
    reference = Reference(root)
    certify_all(root, tmp_path / "temporary")
    leave_certified_alone(root)
    return Pair(booktape.open(root), reference)


def test_books_and_tops_are_the_same(pair: Pair) -> None:
    start, end = pair.bounds()
    for market in pair.reference.markets():
        moments = pair.edges(market) + pair.random_instants(market, 100)
        assert [] == compare_books(pair, market, moments)
        assert [] == compare_top_at(pair, market, sorted(moments), depth=3)
        assert [] == compare_grid(pair, market, start, end, every=SECOND // 4, depth=3)
        assert [] == compare_changes(pair, market, start, end, 2)
        assert [] == compare_replay(pair, market, start, end)
        assert [] == compare_stitched(pair, market, start, end, sorted(moments))


def test_coverage_trades_and_bars_are_the_same(pair: Pair) -> None:
    start, end = pair.bounds()
    for market in pair.reference.markets():
        assert [] == compare_coverage(pair, market, start, end)
        assert [] == compare_trades(pair, market, start, end)
        assert [] == compare_quotes(pair, market, start, end)
        assert [] == compare_bars(pair, market, start, end, MINUTE)
    names = [(row["exchange"], row["symbol"]) for row in rows_of(pair.tape.symbols())]
    assert pair.reference.markets() == names


def test_rows_are_those_that_were_recorded(
    request: pytest.FixtureRequest, small_tapes: dict[str, Path], pair: Pair
) -> None:
    name = request.node.callspec.params["pair"]
    recorded = booktape.open(small_tapes[name])
    for table in ("book", "trades", "ticker", "instruments", "feed_events"):
        assert rows_of(recorded.scan(table)) == rows_of(pair.tape.scan(table))
    assert rows_of(recorded.sessions()) == rows_of(pair.tape.sessions())


@pytest.mark.parametrize("name", SMALL_TAPES)
def test_the_figures_of_a_certificate_are_those_of_the_reference(
    name: str, small_tapes: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "tape"
    shutil.copytree(small_tapes[name], root)
    reference = Reference(root)
    certificates = certify_all(root, tmp_path / "temporary")
    assert certificates
    for certificate in certificates:
        check_certificate(certificate, reference)


def check_certificate(certificate: Certificate, reference: Reference) -> None:
    start = day_of(certificate.date) * DAY
    exchange = certificate.exchange
    events = [
        event
        for session in reference.sessions
        if session.exchange == exchange
        for event in session.events
        if start <= event.ts_recv < start + DAY
    ]
    symbols = {event.symbol for event in events if event.symbol is not None}
    assert sorted(symbols) == [found.symbol for found in certificate.symbols]
    for found in certificate.symbols:
        own = [event for event in events if event.symbol == found.symbol]
        assert count_by_table(own) == found.events
        books = [event for event in own if event.table == "book"]
        rows = sum(max(len(event.levels), 1) for event in books)
        assert rows == found.rows.get("book", 0)
        assert len({(one.session, one.columns["epoch"]) for one in books}) == found.epochs
        if books:
            intervals = reference.coverage(exchange, found.symbol, start, start + DAY)
            gaps = [(one.start, one.end, one.cause) for one in intervals if one.cause is not None]
            assert gaps == [(gap.start, gap.end, gap.cause) for gap in found.gaps]
            known = sum(one.end - one.start for one in intervals if one.cause is None)
            assert known == found.known_us
        for table in ("book", "trades"):
            check_offsets(found, table, [one for one in own if one.table == table])
        kinds = [event.kind for event in own]
        assert kinds.count("crossed") == found.crossed
        assert kinds.count("mismatch") == found.mismatches
        audits = [event.detail for event in own if event.kind == "audit"]
        assert len(audits) == found.audits
        assert sum(detail["differ"] for detail in audits) == found.levels_differing
        assert sum(detail["compared"] for detail in audits) == found.levels_compared


def check_offsets(found: SymbolFigures, table: str, own: list[Event]) -> None:
    late = sorted(
        (event.ts_recv - event.columns["ts_event"]) // 1000
        for event in own
        if event.columns["ts_event"] is not None
    )
    offsets = found.offsets.get(table)
    if not late:
        assert offsets is None
        return
    assert offsets is not None
    ranks = [late[max(-(-len(late) * percent // 100), 1) - 1] for percent in (1, 50, 99)]
    assert [len(late), late[0], *ranks, late[-1]] == [
        *(offsets.events, offsets.least, offsets.p01, offsets.p50, offsets.p99, offsets.most)
    ]


def count_by_table(events: list[Event]) -> dict[str, int]:
    return {
        table: sum(event.table == table for event in events)
        for table in sorted({event.table for event in events})
    }
