import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

import booktape.report
from booktape.certificate import CertifiedGap
from booktape.report.facts import DayFacts
from booktape.report.page import Contents, make_page
from booktape.report.premium import Premium, Way
from booktape.report.quotes import TICKERS, TOUCH, MarketQuotes
from tests.support.day_certificates import DATE, SECOND, START, make_day, make_symbol
from tests.support.paths import ROOT

FOLDER = Path(booktape.report.__file__ or "").parent
UPLOT = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot-license.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
WAY = Way(1, 0, -1.0, 1, 0.0, 0.0)
PENDING = DayFacts("btcturk", DATE, "pending", None)


def make_premium(points: int = 2) -> Premium:
    columns: list[list[float | None]] = [[-1.25] * points] * 3
    return Premium(
        a="bitvavo:BTC-EUR",
        b="btcturk:BTC-TRY",
        via=(),
        fees={},
        source=TICKERS,
        instants=points,
        known=points,
        ts=[START + n * 60 * SECOND for n in range(points)],
        columns=columns,
        ways=[WAY, WAY],
        mids=(1.0, 1.0, 1.0),
    )


def make_quotes(points: int = 2) -> MarketQuotes:
    ts = [START + n * 60 * SECOND for n in range(points)]
    return MarketQuotes("bitvavo:BTC-EUR", ts, {name: [99.0] * points for name in TOUCH})


def page_of(*days: DayFacts, **more: Any) -> str:
    return make_page(Contents(tape=more.pop("tape", "file:here"), days=days, **more))


def test_uplot_is_what_was_published_and_what_the_dashboard_has() -> None:
    theirs = ROOT / "services/dashboard/static"
    for name, digest in UPLOT.items():
        data = (FOLDER / name).read_bytes()
        assert digest == hashlib.sha256(data).hexdigest()
        assert data == (theirs / name).read_bytes()


def test_a_page_has_every_section_and_loads_nothing() -> None:
    page = page_of(
        make_day(make_symbol()),
        tape="file:<here>",
        premium=make_premium(),
        quotes=[make_quotes()],
        source=TICKERS,
    )
    ids = re.findall(r"<section id=(\w+)>", page)
    assert ["condition", "coverage", "why", "rates", "spreads", "truth", "premium"] == ids
    assert ids == re.findall(r"<a href=#(\w+)>", page)
    assert "file:&lt;here&gt;" in page
    assert ['<link rel=icon href="data:,">'] == re.findall("<link.*?>", page)
    assert [] == re.findall(r"<(?:img|iframe)|\bsrc=|url\(|@import|fetch\(|import\(", page)
    assert "default-src 'none'" in page


def test_without_a_chart_there_is_no_library() -> None:
    page = page_of(make_day(make_symbol()))
    assert "uPlot" not in page
    assert len(page) < 25_000


def test_why_there_is_no_premium_is_said() -> None:
    page = page_of(make_day(make_symbol()), remarks=["Nothing is recorded of X."])
    assert "<section id=premium>" in page
    assert "Nothing is recorded of X." in page


def test_many_days_are_named_by_the_first_and_the_last() -> None:
    days = [make_day(make_symbol(), date=date) for date in ("2026-11-22", "2026-11-23")]
    assert "<title>booktape · 2026-11-22 to 2026-11-23</title>" in page_of(*days)


@pytest.mark.parametrize(
    ("days", "verdict"),
    [
        (
            [make_day(make_symbol())],
            "degraded'><b>Degraded</b>: 1 of 1 markets lost something, most of it to gap (10.0 s)",
        ),
        (
            [make_day(make_symbol(), make_symbol())],
            (
                "degraded'><b>Degraded</b>: 2 of 2 markets lost something, "
                "most of it to gap (20.0 s), all markets added up</p>"
            ),
        ),
        ([PENDING], "pending'><b>Not certified yet</b></p>"),
        (
            [DayFacts("bitvavo", DATE, "available", make_day(make_symbol()).certificate)],
            "available'><b>Available</b>: 1 of 1",
        ),
        ([make_day(make_symbol()), PENDING, PENDING], "degraded'><b>1 of 3 days degraded</b>"),
        (
            [DayFacts("bitvavo", DATE, "available", None)] * 3,
            "available'><b>3 days available</b>",
        ),
        (
            [make_day(make_symbol(condition="available", gaps=[]))],
            "degraded'><b>Degraded</b>: all markets are whole",
        ),
    ],
)
def test_the_verdict_comes_first(days: list[DayFacts], verdict: str) -> None:
    assert f"<p class='verdict {verdict}" in page_of(*days)


def test_a_day_that_nobody_certified_is_said_to_be_one() -> None:
    certificate = make_day(make_symbol()).certificate
    draft = DayFacts("bitvavo", DATE, "pending", certificate, is_draft=True)
    page = page_of(draft)
    assert "nobody has certified it" in page
    assert "Certified by" not in page
    page = page_of(make_day(make_symbol()))
    assert "nobody has certified it" not in page
    assert "Certified by release 0.1.0" in page


def test_all_markets_of_two_exchanges_fit_a_megabyte_whatever_was_lost() -> None:
    noon = START + 43_200 * SECOND
    gaps = [
        CertifiedGap(noon + n * 7 * SECOND, noon + (7 * n + 2) * SECOND, "disconnected", None)
        for n in range(500)
    ]
    symbols = [make_symbol(f"COIN{n}-EUR", gaps=gaps) for n in range(408)]
    days = [make_day(*symbols), make_day(*symbols, exchange="btcturk")]
    page = page_of(
        *days, premium=make_premium(2000), quotes=[make_quotes(1500)] * 20, source=TICKERS
    )
    assert len(page.encode()) <= 1_000_000
