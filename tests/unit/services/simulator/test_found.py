from pathlib import Path

import pytest

import services.simulator
from services.simulator.found import find_names, load, load_lies


def test_a_simulated_exchange_is_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = find_names()
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "__init__.py").touch()
    (tmp_path / "tool.py").touch()
    places = [*services.simulator.__path__, str(tmp_path)]
    monkeypatch.setattr(services.simulator, "__path__", places)
    assert {*before, "toy"} == set(find_names())
    assert "tool" not in find_names()


@pytest.mark.parametrize("name", find_names())
def test_each_declares_what_it_takes_to_build_it(name: str) -> None:
    simulated = load(name)
    markets = simulated.list_markets(2, levels=simulated.levels)
    assert 2 == len({market.symbol for market in markets})
    assert simulated.symbols_max > 2
    assert simulated.faults


def test_who_tells_no_lies_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "__init__.py").touch()
    places = [*services.simulator.__path__, str(tmp_path)]
    monkeypatch.setattr(services.simulator, "__path__", places)
    assert {} == load_lies("toy")
    assert load_lies("bitvavo")
