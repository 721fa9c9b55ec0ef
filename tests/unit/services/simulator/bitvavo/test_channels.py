import pytest

from services.simulator.bitvavo import channels as bitvavo_channels
from services.simulator.bitvavo.data import Refusal


def test_a_request_names_each_market_of_each_channel() -> None:
    request: dict[str, object] = {
        "channels": [
            {"name": "book", "markets": ["A", "B"]},
            {"name": "candles", "interval": ["1m", "1h"], "markets": ["A"]},
        ]
    }
    expected = [("book", "A"), ("book", "B"), ("candles 1m", "A"), ("candles 1h", "A")]
    assert expected == bitvavo_channels.wanted(request)


def test_what_is_missing_is_left_to_be_refused() -> None:
    assert [("book", None)] == bitvavo_channels.wanted({"channels": [{"name": "book"}]})


@pytest.mark.parametrize(
    ("channels", "code"),
    [
        (None, 205),
        ([], 205),
        ([{"name": "nonsense", "markets": ["A"]}], 205),
        (["book"], 205),
        ([{"name": "account", "markets": ["A"]}], 300),
        ([{"name": "candles", "markets": ["A"]}], 205),
        ([{"name": "candles", "interval": ["7m"], "markets": ["A"]}], 205),
    ],
)
def test_a_wrong_channel_is_refused(channels: object, code: int) -> None:
    with pytest.raises(Refusal) as refusal:
        bitvavo_channels.wanted({"channels": channels})
    assert code == refusal.value.code
