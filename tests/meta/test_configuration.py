import tomllib
from pathlib import Path

import pytest
from msgspec import convert

from booktape.store.storage import Storage
from services.__main__ import find_exchanges
from shared.process.configured import load_settings
from shared.process.settings import (
    AlertSettings,
    DashboardSettings,
    ExchangeSettings,
    State,
    WriterSettings,
)
from shared.process.sinks import SinkSettings
from tests.support.paths import ROOT


def test_the_file_in_the_tree_says_what_the_exchanges_declare(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exchanges = find_exchanges()
    monkeypatch.chdir(tmp_path)
    declared = load_settings(exchanges, {})
    monkeypatch.chdir(ROOT)
    written = load_settings(exchanges, {})
    assert declared.exchanges == written.exchanges
    assert declared.writer == written.writer
    assert ROOT / declared.state.path.relative_to(tmp_path) == written.state.path
    assert declared.state.disk_free_min_bytes == written.state.disk_free_min_bytes
    assert ROOT == written.folder
    assert f"file:{ROOT}/data" == written.storage.url


def test_the_sink_that_waits_in_comments_names_every_key_with_its_default() -> None:
    text = (ROOT / "booktape.toml").read_text()
    lines = text[text.index("# [sinks.") :].splitlines()
    sinks = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines))["sinks"]
    [values] = sinks.values()
    assert list(SinkSettings.__struct_fields__) == list(values)
    url = values["url"]
    assert convert(values, SinkSettings) == SinkSettings(url=url)


def test_the_file_in_the_tree_names_every_key() -> None:
    table = tomllib.loads((ROOT / "booktape.toml").read_text())
    sections = {
        "storage": Storage,
        "state": State,
        "writer": WriterSettings,
        "dashboard": DashboardSettings,
        "alerts": AlertSettings,
    }
    assert {*sections, "exchanges"} == set(table)
    for section, struct in sections.items():
        assert list(struct.__struct_fields__) == list(table[section])
    assert set(find_exchanges()) == set(table["exchanges"])
    for keys in table["exchanges"].values():
        assert list(ExchangeSettings.__struct_fields__) == list(keys)
