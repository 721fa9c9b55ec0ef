import json
import re

from msgspec.structs import replace

from booktape.report.chart import make_chart, make_without
from booktape.report.premium import Premium, Way
from booktape.report.quotes import BOOKS, TICKERS

SECOND = 1_000_000
PREMIUM = Premium(
    a="bitvavo:<A>-EUR",
    b="btcturk:A-TRY",
    via=("bitvavo:USDT-EUR", "btcturk:USDT-TRY"),
    fees={"bitvavo": 0.0025, "btcturk": 0.0},
    source=BOOKS,
    instants=3,
    known=2,
    ts=[1 * SECOND, 2 * SECOND, 3 * SECOND],
    columns=[[1.234, None, 3.0], [-5.0, None, 8.0], [-7.0, None, -9.0]],
    ways=[Way(2, 1, 8.0, 3 * SECOND, 0.25, 151.2), Way(2, 0, -7.0, SECOND, 0.0, 0.0)],
    mids=(1.234, 1.234, 3.0),
)


def test_a_chart_has_its_points_and_asks_nobody() -> None:
    page = make_chart(PREMIUM)
    assert "&lt;A&gt;" in page
    [data] = re.findall(r"data = (\[\[.*?\]\]), names", page)
    assert [
        [1.0, 2.0, 3.0],
        [1.23, None, 3.0],
        [-5.0, None, 8.0],
        [-7.0, None, -9.0],
    ] == json.loads(data)
    assert "src=" not in page
    assert "Permission is hereby granted" in page  # a copy of uPlot carries its licence


def test_without_a_script_and_on_paper_the_same_lines_are_drawn() -> None:
    lines = re.findall(r'<path class="line series-(\d)" d="(.*?)"', make_chart(PREMIUM))
    assert ["0", "1", "2"] == [number for number, _ in lines]
    assert all(2 == path.count("M") for _, path in lines)  # a null breaks each of them


def test_what_it_added_up_to_is_told() -> None:
    text = make_chart(PREMIUM)
    rows = [re.findall("<td.*?>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", text)[1:]]
    assert ["buy A, sell B", "+8.0", "50.00 %", "01-01 00:00:03", "0.250", "151"] == rows[0]
    minus, dash = "\N{MINUS SIGN}7.0", "\N{EN DASH}"
    assert ["buy B, sell A", minus, "0.00 %", "01-01 00:00:01", dash, dash] == rows[1]
    assert "size then, &lt;A&gt;" in text
    assert "66.667 %" in text
    assert "after fees of bitvavo 0.25 %, btcturk 0 %" in text
    assert "<b>before fees</b>" in make_chart(replace(PREMIUM, fees={"bitvavo": 0.0}))


def test_a_chart_from_tickers_says_so() -> None:
    assert "<b>from tickers</b>" in make_chart(replace(PREMIUM, source=TICKERS))
    assert "tickers" not in make_chart(PREMIUM)


def test_where_nothing_is_known_no_chart_is_drawn() -> None:
    nothing = [Way(0, 0, None, None, 0.0, 0.0)] * 2
    text = make_chart(replace(PREMIUM, known=0, ways=nothing, mids=None, columns=[[None] * 3] * 3))
    assert "At no instant are all of bitvavo:&lt;A&gt;-EUR" in text
    assert "<script" not in text


def test_a_way_that_is_never_known_has_no_figures() -> None:
    nothing = Way(0, 0, None, None, 0.0, 0.0)
    text = make_chart(replace(PREMIUM, ways=[nothing, nothing], via=()))
    assert 10 == text.count("<td class=number>\N{EN DASH}</td>")
    assert "by way of" not in text


def test_why_there_is_no_chart_is_said() -> None:
    assert "<p class=none>no &lt;X&gt;</p>" == make_without(["no <X>"])


def test_a_reader_can_say_what_they_pay_where_all_points_are_there() -> None:
    page = make_chart(PREMIUM)
    assert "<p id=fees hidden data-via>" in page
    assert ["0.25", "0"] == re.findall(r'step=0.01 value="(.*?)"', page)
    assert "<p id=fees hidden>" in make_chart(replace(PREMIUM, via=()))
    assert "id=fees" not in re.sub("<script.*", "", make_chart(replace(PREMIUM, instants=10_000)))
