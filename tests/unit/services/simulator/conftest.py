from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.services.simulator.fakes import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeWorld]:
    """Return a function that builds a simulated exchange from the command's arguments."""
    worlds: list[World] = []

    def make(*arguments: str) -> World:
        path = tmp_path / f"truth{len(worlds)}.jsonl"
        worlds.append(World(path, monkeypatch, list(arguments)))
        return worlds[-1]

    yield make
    for world in worlds:
        world.truth.end()
