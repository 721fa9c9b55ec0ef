import pytest

from services.simulator.found import find_names
from services.simulator.protocol import Answer
from tests.unit.services.simulator.conftest import MakeWorld


@pytest.mark.parametrize("name", find_names())
def test_every_exchange_says_what_it_is(make_world: MakeWorld, name: str) -> None:
    exchange = make_world(name).exchange
    assert name == exchange.name
    assert exchange.websocket_path.startswith("/")
    assert {"gap", "nonce_reset", "drop", "stall"} <= set(exchange.faults)
    assert 3 == len(exchange.markets)


def test_an_answer_is_json_unless_it_says_otherwise() -> None:
    assert "application/json" == Answer(200, b"{}").content_type
