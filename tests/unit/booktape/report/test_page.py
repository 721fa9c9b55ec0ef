import hashlib
import re
from pathlib import Path

import booktape.report
from booktape.report.chart import Premium
from booktape.report.page import make_page
from tests.support.day_certificates import make_day, make_symbol
from tests.support.paths import ROOT

FOLDER = Path(booktape.report.__file__ or "").parent
UPLOT = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot-license.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
PREMIUM = Premium("bitvavo:BTC-EUR", "btcturk:BTC-TRY", [1, 2], [[1.0, None]] * 3)


def test_uplot_is_what_was_published_and_what_the_dashboard_has() -> None:
    theirs = ROOT / "services/dashboard/static"
    for name, digest in UPLOT.items():
        data = (FOLDER / name).read_bytes()
        assert digest == hashlib.sha256(data).hexdigest()
        assert data == (theirs / name).read_bytes()


def test_a_page_has_every_section_and_loads_nothing() -> None:
    page = make_page([make_day(make_symbol())], PREMIUM, tape="file:<here>")
    ids = re.findall(r"<section id=(\w+)>", page)
    assert ["condition", "coverage", "why", "truth", "rates", "premium"] == ids
    assert ids == re.findall(r"<a href=#(\w+)>", page)
    assert "file:&lt;here&gt;" in page
    assert [] == re.findall(r"<(?:link|img|iframe)|\bsrc=|url\(|@import|fetch\(|import\(", page)


def test_without_a_chart_there_is_no_script() -> None:
    page = make_page([make_day(make_symbol())], None, tape="file:here")
    assert "<script" not in page
    assert len(page) < 20_000


def test_many_days_are_named_by_the_first_and_the_last() -> None:
    days = [make_day(make_symbol(), date=date) for date in ("2026-11-22", "2026-11-23")]
    assert "<title>booktape · 2026-11-22 to 2026-11-23</title>" in make_page(days, None, tape="")


def test_all_markets_of_two_exchanges_fit_a_megabyte() -> None:
    gaps = make_symbol().gaps * 6
    symbols = [make_symbol(f"COIN{n}-EUR", gaps=gaps) for n in range(408)]
    days = [make_day(*symbols), make_day(*symbols, exchange="btcturk")]
    columns: list[list[float | None]] = [[1.25] * 2000] * 3
    premium = Premium("a", "b", list(range(2000)), columns)
    assert len(make_page(days, premium, tape="").encode()) <= 1_000_000
