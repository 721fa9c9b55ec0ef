from pathlib import Path

import pytest

from booktape.commands.pair import find_pair
from booktape.errors import ConfigError
from tests.support.paths import ROOT

PAIR = ["bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY"]


def test_the_pair_of_the_page_is_that_of_the_report(tmp_path: Path) -> None:
    assert PAIR == find_pair({}, ROOT)
    assert [] == find_pair({}, tmp_path)
    (tmp_path / "booktape.toml").write_text('[dashboard]\nspread = ["a:X-EUR", "b:X-EUR"]\n')
    assert ["a:X-EUR", "b:X-EUR"] == find_pair({}, tmp_path)
    environment = {"BOOKTAPE__DASHBOARD__SPREAD": "[]"}
    assert [] == find_pair(environment, tmp_path)


@pytest.mark.parametrize("value", ["7", '["a:X"]', '["a", "b"]', "[1, 2]", '["a:X","b:X","c:X"]'])
def test_what_is_no_pair_is_a_fault_with_its_origin(tmp_path: Path, value: str) -> None:
    name = "BOOKTAPE__DASHBOARD__SPREAD"
    with pytest.raises(ConfigError, match=f"dashboard.spread = .* in {name}: takes"):
        find_pair({name: value}, tmp_path)
