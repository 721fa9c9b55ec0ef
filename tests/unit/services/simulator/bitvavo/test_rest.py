import json

import pytest

from services.simulator.bitvavo import rest as bitvavo_rest
from services.simulator.bitvavo.data import Refusal
from tests.support.paths import RECORDINGS
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import shape


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/time", ("getTime", {})),
        ("/v2/markets?market=BTC-EUR", ("getMarkets", {"market": "BTC-EUR"})),
        ("/v2/BTC-EUR/book?depth=5", ("getBook", {"depth": "5", "market": "BTC-EUR"})),
        ("/v2/BTC-EUR/trades/", ("getTrades", {"market": "BTC-EUR"})),
        ("/v2/ticker/24h", ("getTicker24h", {})),
        ("/v2/ticker/nope", None),
        ("/v1/time", None),
        ("/v2", None),
        ("/", None),
    ],
)
def test_a_path_stands_for_an_action(path: str, expected: object) -> None:
    assert expected == bitvavo_rest.route(path)


@pytest.mark.parametrize(("code", "status"), [(205, 400), (431, 409), (105, 429), (300, 403)])
def test_a_refusal_has_its_status(code: int, status: int) -> None:
    answer = bitvavo_rest.refused(Refusal(code, "because"))
    assert status == answer.status
    assert {"errorCode": code, "error": "because"} == json.loads(answer.body)


def test_what_is_not_found_is_html() -> None:
    answer = bitvavo_rest.not_found()
    assert (404, "text/html") == (answer.status, answer.content_type)


@pytest.mark.parametrize(
    "path",
    ["/v2/BTC-EUR/book", "/v2/BTC-EUR/trades", "/v2/BTC-EUR/candles?interval=1m", "/v2/ticker/24h"],
)
def test_answers_have_the_recorded_shapes(make_world: MakeWorld, path: str) -> None:
    text = (RECORDINGS / "bitvavo" / "rest_2025-09-03_samples.jsonl").read_text()
    recorded = {line["path"]: line["body"] for line in map(json.loads, text.splitlines())}
    answer = make_world("bitvavo").exchange.request(path)
    assert shape(recorded[path]) == shape(json.loads(answer.body))


def test_recorded_errors_are_made(make_world: MakeWorld) -> None:
    world = make_world("bitvavo")
    world.market("USDT-EUR").is_halted = True
    answers = [
        world.exchange.request(path)
        for path in (
            "/v2/NOPE-EUR/book",
            "/v2/BTC-EUR/book?depth=0",
            "/v2/BTC-EUR/book?depth=1001",
            "/v2/USDT-EUR/book",
        )
    ]
    text = (RECORDINGS / "bitvavo" / "rest_errors_2026-09-23_probe.jsonl").read_text()
    recorded = [
        line.replace("WMTX", "USDT")
        for line in text.splitlines()
        if "market parameter is" not in line
    ]
    assert [400, 400, 400, 409] == [answer.status for answer in answers]
    assert recorded == [answer.body.decode() for answer in answers]
