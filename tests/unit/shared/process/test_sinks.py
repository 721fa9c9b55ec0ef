from pathlib import Path

import pytest

from shared.process.sinks import SINK_TABLES, SinkSettings
from tests.unit.shared.process.test_settings import faults_of, load_text

URL = "http://127.0.0.1:8086/write?db=tape"


def test_without_one_there_are_none(tmp_path: Path) -> None:
    assert {} == load_text(tmp_path).sinks
    assert {} == load_text(tmp_path, "[sinks]").sinks


def test_a_url_is_enough(tmp_path: Path) -> None:
    settings = load_text(tmp_path, f'[sinks.influx]\nurl = "{URL}"')
    assert {"influx": SinkSettings(url=URL)} == settings.sinks
    assert (SINK_TABLES, (), "", 30.0) == (
        settings.sinks["influx"].tables,
        settings.sinks["influx"].exchanges,
        settings.sinks["influx"].begin,
        settings.sinks["influx"].poll_interval_s,
    )


def test_there_may_be_several_and_the_environment_may_give_any_key(tmp_path: Path) -> None:
    text = f'[sinks.a]\nurl = "{URL}"\nexchanges = ["bitvavo"]\nbegin = 2026-11-22'
    settings = load_text(
        tmp_path, text, SINKS__B__URL=URL, SINKS__B__TABLES='["ticker"]',
        SINKS__A__AUTHORIZATION="Token x", SINKS__B__BEGIN="2026-11-20",
    )  # fmt: skip
    assert {
        "a": SinkSettings(
            url=URL, exchanges=("bitvavo",), begin="2026-11-22", authorization="Token x"
        ),
        "b": SinkSettings(url=URL, tables=("ticker",), begin="2026-11-20"),
    } == settings.sinks


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[sinks.x]\npoll_interval_s = 1", "sinks.x.url is missing"),
        ('[sinks.x]\nurl = "ftp://h/p"', "sinks.x.url = 'ftp://h/p' in booktape.toml: takes"),
        ('[sinks.x]\nurl = "http://u:p@h/p"', "sinks.x.url = 'http://***@h/p' in booktape.toml"),
        (f'[sinks.x]\nurl = "{URL}"\ntables = ["book"]', "sinks.x.tables = "),
        (f'[sinks.x]\nurl = "{URL}"\ntables = []', "sinks.x.tables = "),
        (f'[sinks.x]\nurl = "{URL}"\nbegin = "2026-02-30"', "'2026-02-30' in booktape.toml: is no"),
        (f'[sinks.x]\nurl = "{URL}"\nbegin = "today"', "sinks.x.begin = 'today' in booktape.toml"),
        (f'[sinks.x]\nurl = "{URL}"\npoll_interval_s = 0.5', "sinks.x.poll_interval_s = 0.5"),
        (f'[sinks.x]\nurl = "{URL}"\nexchanges = ["kraken"]', "no exchange kraken; there are: bit"),
        (f'[sinks.x]\nurl = "{URL}"\nfast = true', "sinks.x.fast in booktape.toml: no such key"),
        ("[sinks.Big]\nurl = 1", "sinks.Big.url in booktape.toml: takes [sinks.<name>]"),
        ("sinks = 3", "sinks in booktape.toml: takes [sinks.<name>]"),
    ],
)
def test_each_fault_is_told(tmp_path: Path, text: str, fault: str) -> None:
    [told] = faults_of(tmp_path, text)
    assert fault in told


@pytest.mark.parametrize("key", ["authorization", "url"])
def test_no_fault_tells_a_secret(tmp_path: Path, key: str) -> None:
    value = {"authorization": "Token hush\\n", "url": "ftp://h/p?p=hush"}[key]
    faults = faults_of(tmp_path, f'[sinks.x]\nurl = "{URL}"\n[sinks.y]\n{key} = "{value}"')
    assert any(f"sinks.y.{key} = " in fault for fault in faults)
    assert [] == [fault for fault in faults if "hush" in fault]
