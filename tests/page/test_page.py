"""A browser looks at a recording of the simulated exchanges."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from services.operator.health.health import gather
from services.operator.supervision.supervisor import Supervisor
from shared.process.state import DASHBOARD, StateFolder
from shared.process.status import ServiceReport, read
from tests.page.browser import Browser
from tests.process.collector import Collector
from tests.process.standing import wait_until
from tests.support.paths import ROOT
from tests.support.stalls import stall

pytestmark = [pytest.mark.page, pytest.mark.process]

SPREAD = ["bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY"]
PICTURES = ROOT / "build" / "page"  # for somebody to look at
LOST = "WebSocket connection to"  # what Chromium says itself of a stream that is gone


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    folder = tmp_path_factory.mktemp("page")
    names = {"BOOKTAPE__DASHBOARD__SPREAD": str(SPREAD).replace("'", '"')}
    options = {name: ["--symbols", "20"] for name in ("bitvavo", "btcturk")}
    with Collector(folder / "c", options=options) as collector:
        collector.programs.environment.update(names)
        collector.start()
        wait_until(collector.is_live, seconds=120)
        yield collector


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def find_address(collector: Collector) -> str:
    report = read(StateFolder(collector.state).report(DASHBOARD), ServiceReport)
    assert report is not None
    assert report.address is not None
    return report.address


def is_well(browser: Browser) -> bool:
    return browser.text("#verdict") == "All well"


def prices(browser: Browser, market: str) -> str:
    return browser.text(f'[data-book="{market}"] table')


def test_books_move_and_everything_is_drawn(collector: Collector, browser: Browser) -> None:
    browser.show(find_address(collector))
    browser.wait(lambda: is_well(browser), "all well")
    assert {"status"} == {browser.ask("return document.querySelector('#verdict').role")}
    for name in ("ingest_bitvavo-a", "ingest_btcturk-a", "buffer_writer"):
        assert 1 == browser.count(f'[data-process="{name}"]')
    for market in SPREAD:
        browser.wait(partial(prices, browser, market), f"a book of {market}")
        assert 21 == browser.count(f'[data-book="{market}"] tbody tr')
    before = [prices(browser, market) for market in SPREAD]
    browser.wait_frames(5)
    assert before != [prices(browser, market) for market in SPREAD]
    browser.wait(lambda: " bps" in browser.text("#premium .now"), "the premium")
    drawn = "return [...document.querySelectorAll('canvas')].map(canvas => canvas.getContext('2d')"
    drawn += ".getImageData(0, 0, canvas.width, canvas.height).data.some(value => value))"
    assert [True] * 3 == browser.ask(drawn)
    assert "BTC in TRY: premium over EUR" == browser.text("#premium h2")
    assert [] == browser.complaints()


def test_another_market_is_found_shown_and_hidden_again(
    collector: Collector, browser: Browser
) -> None:
    browser.show(find_address(collector))
    browser.wait(lambda: browser.count("#markets option") == 40, "the names of all markets")
    submit = "const box = document.querySelector('#market'); box.value = arguments[0];"
    submit += "box.form.requestSubmit()"
    browser.ask(submit, "eth-eur")
    browser.wait(lambda: prices(browser, "bitvavo:ETH-EUR"), "the book that was asked for")
    assert "bitvavo:ETH-EUR" in browser.ask("return location.hash")
    browser.ask("document.querySelector('[data-book=\"bitvavo:ETH-EUR\"] button').click()")
    assert 0 == browser.count('[data-book="bitvavo:ETH-EUR"]')
    assert "market" == browser.ask("return document.activeElement.id")
    browser.ask(submit, "nothing-of-the-kind")
    assert "nothing-of-the-kind" in browser.text("#chosen")
    browser.ask("document.querySelector('#default').click()")
    browser.wait(lambda: browser.count("[data-book]") == len(SPREAD), "the first ones")
    assert [] == browser.complaints()


def test_a_feed_that_dies_is_a_trouble_until_it_is_live_again(
    collector: Collector, browser: Browser
) -> None:
    browser.show(find_address(collector))
    browser.wait(lambda: is_well(browser), "all well")
    browser.wait(partial(prices, browser, "btcturk:BTC-TRY"), "a book of it")
    assert 0 == collector.control("stop", "ingest_btcturk").returncode
    browser.wait(lambda: browser.count('#troubles [data-code="stopped"]') == 1, "the trouble")
    assert "not well" in browser.text("#verdict")
    assert "start ingest_btcturk" in browser.text("#troubles .remedy")
    assert "stopped" == browser.text('[data-process="ingest_btcturk-a"] .state')
    hidden = "return document.querySelector('[data-book=\"btcturk:BTC-TRY\"] table').hidden"
    browser.wait(lambda: browser.ask(hidden), "a page without a book of it")
    browser.wait(lambda: browser.text("#premium .now") == "\N{EN DASH}", "no premium")
    browser.take_picture(PICTURES / "trouble.png")
    assert 0 == collector.control("start", "ingest_btcturk").returncode
    browser.wait(lambda: is_well(browser), "the end of the trouble")
    assert [] == browser.complaints()


def test_a_page_that_lost_its_stream_says_so_and_comes_back(
    collector: Collector, browser: Browser
) -> None:
    browser.show(find_address(collector))
    browser.wait_frames()
    port = find_address(collector)
    state = "return document.body.dataset.stream"
    collector.control("stop", DASHBOARD)
    browser.wait(lambda: browser.ask(state) == "lost", "a page that says so")
    assert "gets no more news" in browser.text("#verdict")
    collector.control("start", DASHBOARD)
    wait_until(lambda: find_address(collector) is not None)
    if find_address(collector) == port:  # else another program has taken it meanwhile
        browser.wait(lambda: browser.ask(state) == "open", "a page that came back")
        browser.wait(lambda: is_well(browser), "all well")
    assert [] == browser.complaints(but=LOST)


def test_a_supervisord_that_hangs_is_a_trouble_and_no_page_that_hangs(
    collector: Collector, browser: Browser
) -> None:
    browser.show(find_address(collector))
    browser.wait(lambda: is_well(browser), "all well")
    health = gather(collector.state, Supervisor(collector.programs.socket), now_ns=0)
    assert health.supervisor_pid is not None
    os.kill(health.supervisor_pid, signal.SIGSTOP)
    try:
        deaf = '#troubles [data-code="supervisor-deaf"]'
        browser.wait(lambda: browser.count(deaf) == 1, "the trouble")
        browser.wait_frames(3)
    finally:
        os.kill(health.supervisor_pid, signal.SIGCONT)
    browser.wait(lambda: is_well(browser), "the end of the trouble")


def test_a_disk_that_hangs_is_a_trouble_and_no_page_that_hangs(
    collector: Collector, browser: Browser
) -> None:
    browser.show(find_address(collector))
    browser.wait(lambda: is_well(browser), "all well")
    late = '#troubles [data-code="look-late"]'
    # Of a line that nobody runs: nothing replaces it meanwhile.
    with stall(StateFolder(collector.state).live_books("bitvavo", "stalled")):
        browser.wait(lambda: browser.count(late) == 1, "the trouble")
        browser.wait_frames(2)
        browser.wait(lambda: browser.text("#premium .now") == "\N{EN DASH}", "no premium")
    browser.wait(lambda: is_well(browser), "the end of the trouble")
    assert [] == browser.complaints()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_phone_and_a_desk_in_light_and_dark(
    collector: Collector, browser: Browser, *, width: int, scheme: str
) -> None:
    browser.show(find_address(collector), width=width, height=844, scheme=scheme)
    browser.wait(lambda: prices(browser, SPREAD[0]), "a book")
    browser.wait_frames(5)
    assert width == browser.ask("return document.documentElement.scrollWidth")
    ground = browser.ask("return getComputedStyle(document.body).backgroundColor")
    assert ("rgb(244, 246, 248)" if scheme == "light" else "rgb(14, 19, 25)") == ground
    picture = PICTURES / f"{scheme}-{width}.png"
    browser.take_picture(picture)
    assert picture.stat().st_size > 20_000
    assert [] == browser.complaints()


def test_every_text_can_be_read_on_its_ground(collector: Collector, browser: Browser) -> None:
    script = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
    for scheme in ("light", "dark"):
        browser.show(find_address(collector), scheme=scheme)
        browser.wait(lambda: prices(browser, SPREAD[0]), "a book")
        assert [] == browser.ask(script)
