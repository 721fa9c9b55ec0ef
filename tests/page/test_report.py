"""A browser looks at the report's page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from booktape.commands.main import main
from tests.page.browser import Browser
from tests.support.certified import certify_all
from tests.support.commands import make_sample
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.page,
    pytest.mark.filterwarnings("ignore:replaying without the compiled engine"),
]
SPREAD = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
PICTURES = ROOT / "build" / "page"  # for somebody to look at
# How many pixels of a column of the chart have the colour of a line.
COLUMN = """
const canvas = document.querySelector("canvas"), over = document.querySelector(".u-over");
const [box, place] = [over.getBoundingClientRect(), canvas.getBoundingClientRect()];
const scale = canvas.width / place.width, x = box.left - place.left + arguments[0] * box.width;
const [top, height] = [box.top - place.top, box.height].map(length => Math.round(length * scale));
const strip = [Math.round(x * scale), top, 1, height];
const pixels = canvas.getContext("2d").getImageData(...strip).data;
let coloured = 0;
for (let at = 0; at < pixels.length; at += 4) {
  const [r, g, b, seen] = pixels.slice(at, at + 4);
  coloured += seen > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 60;
}
return coloured;
"""
DRAWN = "return document.querySelector('canvas').toDataURL()"
# Points at the middle of the first gap of a market, as a mouse or a finger does.
POINT = """
const bar = [...document.querySelectorAll(".heat .row")].find(row =>
  row.querySelector(".name").textContent === arguments[0]).querySelector("svg");
const heat = bar.closest(".heat"), {from, to} = heat.dataset;
const [begin, size] = bar.dataset.gaps.split(";")[0].split(",").map(Number);
const box = bar.getBoundingClientRect(), at = (begin + size / 2) / (to - from);
bar.dispatchEvent(new PointerEvent("pointermove", {
  bubbles: true, clientX: box.left + at * box.width, clientY: box.top + 3,
}));
return heat.nextElementSibling.textContent;
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    certify_all(make_sample(folder), folder / "temporary")
    return folder


def make_page(folder: Path, source: str) -> str:
    [tape] = [path.parent for path in folder.glob("*/ledger")]
    out = folder / f"{source}.html"
    fees = ["--fee", "bitvavo=0.0025", "btcturk=0.0012"]
    arguments = ["report", str(tape), "--spread", *SPREAD, *fees, "--source", source]
    assert 0 == main([*arguments, "--out", str(out)])
    return out.as_uri()


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return make_page(folder, "books")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_phone_and_a_desk_in_light_and_dark(
    page: str, browser: Browser, *, width: int, scheme: str
) -> None:
    browser.show(page, width=width, height=844, scheme=scheme)
    assert width == browser.ask("return document.documentElement.scrollWidth")
    picture = PICTURES / f"report-{scheme}-{width}.png"
    browser.take_picture(picture, is_live=False)
    assert picture.stat().st_size > 50_000
    assert [] == browser.complaints()


def test_the_dom_is_whole_and_nothing_is_loaded(page: str, browser: Browser) -> None:
    browser.show(page)
    assert 7 == browser.count("main > section")
    assert 8 == browser.count(".heat svg[role=img]")  # six markets, and both sums
    assert 0 == browser.ask("return performance.getEntriesByType('resource').length")
    assert "none" == browser.ask(
        "return getComputedStyle(document.querySelector('#chart figure')).display"
    )
    assert [] == browser.complaints()


def test_a_gap_is_read_off_by_pointing_at_it(page: str, browser: Browser) -> None:
    browser.show(page)
    said = browser.ask(POINT, "BTC-EUR")
    assert said.startswith("BTC-EUR   12:01:01.")
    assert said.endswith(" ms   gap")
    assert "killed" in browser.ask(POINT, "BTC-TRY")


def test_a_line_is_drawn_and_a_gap_breaks_it(page: str, browser: Browser) -> None:
    browser.show(page)
    # From noon on for five minutes; the lira's feed was away from 2:30 to 2:45.
    assert browser.ask(COLUMN, 100 / 303) > 2
    assert 0 == browser.ask(COLUMN, 158 / 303)


def test_the_chart_can_be_zoomed_by_keys_too(page: str, browser: Browser) -> None:
    browser.show(page)

    def press(name: str) -> tuple[float, float]:
        button = f'#zoom button[aria-label="{name}"]'
        browser.ask("document.querySelector(arguments[0]).click()", button)
        browser.ask("return new Promise(done => requestAnimationFrame(done))")
        begin, end = browser.ask("return document.querySelector('#chart').dataset.shown").split()
        return float(begin), float(end)

    whole, drawn = press("The whole span"), browser.ask(DRAWN)
    near = press("Zoom in")
    assert whole[0] < near[0] < near[1] < whole[1]
    assert drawn != browser.ask(DRAWN)
    later = press("Later")
    assert near[0] < later[0] < later[1] <= whole[1]
    assert press("Earlier")[0] < later[0]
    assert whole == press("Zoom out") == press("The whole span")


def test_a_reader_says_what_they_pay(page: str, browser: Browser) -> None:
    """Hold the page's own sums against a page that was made with these fees."""
    browser.show(page)
    told = "return [...document.querySelectorAll('#ways td')].map(cell => cell.textContent)"
    change = (
        "const input = document.querySelectorAll('#fees input')[arguments[0]];"
        "input.value = arguments[1]; input.dispatchEvent(new Event('input'))"
    )
    before, drawn = browser.ask(told), browser.ask(DRAWN)
    for place in (0, 1):
        browser.ask(change, place, "0")
    free = browser.ask(told)
    # 0.25 % and 0.12 % on two trades each.
    kept = (1 - 0.0025) * (1 - 0.0012) / (1.0025 * 1.0012)
    for row in (0, 6):
        edge = ((1 + read_bps(before[row + 1]) / 1e4) / kept - 1) * 1e4
        assert abs(edge - read_bps(free[row + 1])) < 0.11
        assert read_bps(free[row + 2]) > read_bps(before[row + 2])
        assert free[row + 4] == "\N{EN DASH}"
    assert drawn != browser.ask(DRAWN)
    for place, fee in enumerate(("0.25", "0.12")):
        browser.ask(change, place, fee)
    assert before == browser.ask(told)
    assert [] == browser.complaints(but="willReadFrequently")


def read_bps(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-").removesuffix(" %"))


def test_paper_has_the_lines_without_a_canvas_and_each_gap_in_words(
    page: str, browser: Browser
) -> None:
    browser.show(page)
    browser.show_as_paper()
    shown = "return getComputedStyle(document.querySelector(arguments[0])).display"
    expected = {"#chart figure": "block", ".uplot": "none", "nav": "none", "#zoom": "none"}
    assert expected == {selector: browser.ask(shown, selector) for selector in expected}
    printed = browser.print_page()
    (PICTURES / "report.pdf").write_bytes(printed)
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") <= 8
    browser.ask("dispatchEvent(new Event('beforeprint'))")
    assert 0 == browser.count("details[data-print]:not([open])")


def test_every_text_can_be_read_on_its_ground(page: str, browser: Browser) -> None:
    script = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
    for scheme in ("light", "dark"):
        browser.show(page, scheme=scheme)
        assert [] == browser.ask(script)


def test_from_tickers_it_is_drawn_as_well_and_says_so(folder: Path, browser: Browser) -> None:
    browser.show(make_page(folder, "tickers"))
    assert browser.ask(COLUMN, 100 / 303) > 2
    assert 0 == browser.ask(COLUMN, 158 / 303)
    assert "from tickers" in browser.text("#premium")
    assert "from tickers" in browser.text("#spreads")
    assert [] == browser.complaints(but="willReadFrequently")  # of this test's own looks
