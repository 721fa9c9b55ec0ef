from pathlib import Path

import pytest

from booktape.errors import ConfigError
from booktape.store.storage import Storage
from shared.process.settings import (
    ExchangeSettings,
    Settings,
    State,
    WriterSettings,
    is_on_loopback,
    load,
)

EXCHANGES = {
    "bitvavo": ExchangeSettings(
        symbols=("BTC-EUR", "ETH-EUR", "USDT-EUR"),
        symbols_per_socket=500,
        read_interval_ms=2.0,
        websocket_url="wss://ws.bitvavo.com/v2/",
        rest_url="https://api.bitvavo.com/v2",
    ),
    "btcturk": ExchangeSettings(
        symbols=("BTC-TRY", "ETH-TRY", "USDT-TRY"),
        symbols_per_socket=50,
        read_interval_ms=20.0,
        websocket_url="wss://ws-feed-pro.btcturk.com/",
        rest_url="https://api.btcturk.com",
    ),
}


def load_text(folder: Path, text: str = "", **environment: str) -> Settings:
    """Load the settings of a file of this text; `A__B` in the environment is short for ours."""
    (folder / "booktape.toml").write_text(text)
    variables = {f"BOOKTAPE__{name}": value for name, value in environment.items()}
    return load(variables, folder, exchanges=EXCHANGES)


def faults_of(folder: Path, text: str = "", **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, **environment)
    return caught.value.faults


def test_nothing_set_is_the_defaults(tmp_path: Path) -> None:
    expected = Settings(
        storage=Storage(url=f"file:{tmp_path}/data", region="", endpoint_url=""),
        state=State(path=tmp_path / "var", disk_free_min_bytes=1_073_741_824),
        writer=WriterSettings(flush_interval_s=300, flush_rows=2_000_000, flush_bytes=67_108_864),
        exchanges=EXCHANGES,
        folder=tmp_path,
    )
    assert expected == load({}, tmp_path, exchanges=EXCHANGES)


def test_the_current_folder_is_where_it_looks_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "booktape.toml").write_text("[writer]\nflush_rows = 7")
    monkeypatch.chdir(tmp_path)
    settings = load({}, exchanges=EXCHANGES)
    assert (tmp_path, 7) == (settings.folder, settings.writer.flush_rows)


def test_what_is_given_takes_the_place_of_the_default(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        """
        [storage]
        url = "s3://tape-1/prefix/"
        region = "eu-central-1"
        endpoint_url = "http://store:9000"
        [writer]
        flush_interval_s = 5
        [exchanges.btcturk]
        symbols = ["BTC-TRY"]
        channels = ["trades"]
        transport = "rest"
        poll_interval_s = 0.5
        websocket_url = "ws://127.0.0.1:8080/feed"
        rest_url = "http://localhost:8080"
        """,
    )
    assert Storage("s3://tape-1/prefix/", "eu-central-1", "http://store:9000") == settings.storage
    assert 5.0 == settings.writer.flush_interval_s
    assert isinstance(settings.writer.flush_interval_s, float)
    assert settings.exchanges["btcturk"] == ExchangeSettings(
        symbols=("BTC-TRY",),
        channels=("trades",),
        transport="rest",
        poll_interval_s=0.5,
        symbols_per_socket=50,
        read_interval_ms=20.0,
        websocket_url="ws://127.0.0.1:8080/feed",
        rest_url="http://localhost:8080",
    )
    assert EXCHANGES["bitvavo"] == settings.exchanges["bitvavo"]
    on_loopback = {name for name, own in settings.exchanges.items() if is_on_loopback(own)}
    assert {"btcturk"} == on_loopback


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    text = "[storage]\nurl = 's3://bucket'\nregion = 'eu-west-1'"
    settings = load_text(tmp_path, text, STORAGE__URL="s3://other")
    assert Storage("s3://other", "eu-west-1") == settings.storage


def test_the_environment_is_toml_where_it_is_toml_else_text(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        EXCHANGES__BITVAVO__SYMBOLS='["BTC-EUR"]',
        EXCHANGES__BITVAVO__STALE_AFTER_S="7",
        EXCHANGES__BITVAVO__REST_URL="http://127.0.0.1:81/v2",
        WRITER="{flush_rows = 7, flush_bytes = 8}",
    )
    bitvavo = settings.exchanges["bitvavo"]
    assert (("BTC-EUR",), 7.0) == (bitvavo.symbols, bitvavo.stale_after_s)
    assert "http://127.0.0.1:81/v2" == bitvavo.rest_url
    assert WriterSettings(300.0, 7, 8) == settings.writer


def test_a_line_break_in_the_environment_smuggles_nothing_in(tmp_path: Path) -> None:
    [fault] = faults_of(tmp_path, WRITER__FLUSH_ROWS="7\nflush_bytes = 8")
    assert "'7\\nflush_bytes = 8'" in fault


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    assert load({"PATH": "/bin", "BOOKTAPE": "1"}, tmp_path, exchanges=EXCHANGES).folder == tmp_path


@pytest.mark.parametrize("symbol", ["1INCH-EUR", "kPEPE-EUR", "\xd6L-TRY", "BTC.X-EUR"])
def test_a_symbol_has_whatever_letters_the_exchange_has(tmp_path: Path, symbol: str) -> None:
    settings = load_text(tmp_path, EXCHANGES__BITVAVO__SYMBOLS=f'["{symbol}"]')
    assert (symbol,) == settings.exchanges["bitvavo"].symbols


def test_all_symbols_is_none(tmp_path: Path) -> None:
    assert (
        load_text(tmp_path, EXCHANGES__BITVAVO__SYMBOLS="all").exchanges["bitvavo"].symbols is None
    )


def test_a_symbol_named_twice_is_recorded_once(tmp_path: Path) -> None:
    settings = load_text(tmp_path, EXCHANGES__BITVAVO__SYMBOLS='["B-EUR", "A-EUR", "B-EUR"]')
    assert ("B-EUR", "A-EUR") == settings.exchanges["bitvavo"].symbols


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("file:tape", "file:{folder}/tape"),
        ("file:./tape/", "file:{folder}/tape"),
        ("file:/abs/tape", "file:/abs/tape"),
        ("file:///abs/tape", "file:/abs/tape"),
        ("s3://bucket/a/b", "s3://bucket/a/b"),
    ],
)
def test_a_relative_folder_starts_at_the_file(tmp_path: Path, given: str, url: str) -> None:
    assert url.format(folder=tmp_path) == load_text(tmp_path, STORAGE__URL=given).storage.url


def test_another_file_brings_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "other.toml").write_text("[state]\npath = 'here'")
    for name in ("etc/other.toml", str(tmp_path / "etc" / "other.toml")):
        settings = load({"BOOKTAPE_CONFIG": name}, tmp_path, exchanges=EXCHANGES)
        assert (tmp_path / "etc", tmp_path / "etc" / "here") == (
            settings.folder,
            settings.state.path,
        )
    assert Path("/abs") == load_text(tmp_path, STATE__PATH="/abs").state.path


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"BOOKTAPE_CONFIG = 'none.toml': no such file"):
        load({"BOOKTAPE_CONFIG": "none.toml"}, tmp_path, exchanges=EXCHANGES)


@pytest.mark.parametrize(
    ("data", "reason"), [(b"[storage", "is not TOML"), (b"\xff", "is not TOML: 'utf-8' codec")]
)
def test_a_file_that_is_not_toml_is_a_fault(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "booktape.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=reason):
        load({}, tmp_path, exchanges=EXCHANGES)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "booktape.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load({}, tmp_path, exchanges=EXCHANGES)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = """
    [storage]
    region = "eu west"
    [writer]
    flush_rows = 0
    flush_byts = 5
    """
    assert [
        "storage.region = 'eu west' in booktape.toml: takes a region such as \"eu-central-1\"",
        "writer.flush_rows = 0 in booktape.toml: takes a whole number from 1 to 10000000",
        "writer.flush_byts in booktape.toml: no such key; is it writer.flush_bytes?",
        "state.path = 5 in BOOKTAPE__STATE__PATH: takes a folder",
    ] == faults_of(tmp_path, text, STATE__PATH="5")


def test_a_key_like_no_other_gets_no_suggestion(tmp_path: Path) -> None:
    assert ["xyz in BOOKTAPE__XYZ: no such key"] == faults_of(tmp_path, XYZ="1")


def test_an_exchange_that_there_is_not_is_a_fault_that_lists_those_there_are(
    tmp_path: Path,
) -> None:
    assert [
        "exchanges.kraken.symbols in booktape.toml: no such exchange; there are: bitvavo, btcturk"
    ] == faults_of(tmp_path, "[exchanges.kraken]\nsymbols = 'all'")
    with pytest.raises(ConfigError, match="no such exchange; there are: none"):
        load({"BOOKTAPE__EXCHANGES__KRAKEN__SYMBOLS": "all"}, tmp_path, exchanges={})


def test_where_no_exchange_is_known_the_section_of_exchanges_is_still_a_table(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match=r"exchanges in BOOKTAPE__EXCHANGES: takes keys"):
        load({"BOOKTAPE__EXCHANGES": "5"}, tmp_path, exchanges={})
    assert {} == load({"BOOKTAPE__EXCHANGES": "{}"}, tmp_path, exchanges={}).exchanges


def test_the_value_of_an_unknown_key_is_not_told_for_it_may_be_a_secret(tmp_path: Path) -> None:
    [fault] = faults_of(tmp_path, STORAGE__SECRET_ACCESS_KEY="hunter2")
    assert "hunter2" not in fault


def test_a_password_in_an_address_is_refused_and_not_told(tmp_path: Path) -> None:
    [fault] = faults_of(tmp_path, STORAGE__ENDPOINT_URL="https://me:hunter2@store")
    assert "'https://***@store'" in fault


def test_a_section_must_be_a_table_though_it_may_be_empty(tmp_path: Path) -> None:
    assert ["storage in booktape.toml: takes keys of its own: [storage]"] == faults_of(
        tmp_path, "storage = 5"
    )
    assert load_text(tmp_path, "[storage]\n[exchanges.bitvavo]").exchanges == EXCHANGES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORAGE__URL", "data"),
        ("STORAGE__URL", "file:"),
        ("STORAGE__URL", "file://host/tape"),
        ("STORAGE__URL", "s3://"),
        ("STORAGE__URL", "s3://Bucket"),
        ("STORAGE__URL", "s3://bucket//prefix"),
        ("STORAGE__URL", "s3://bucket/a b"),
        ("STORAGE__REGION", "eu central"),
        ("STORAGE__ENDPOINT_URL", "store:9000"),
        ("STATE__PATH", '""'),
        ("STATE__PATH", "5"),
        ("STATE__DISK_FREE_MIN_BYTES", "-1"),
        ("WRITER__FLUSH_INTERVAL_S", "0"),
        ("WRITER__FLUSH_INTERVAL_S", "nan"),
        ("WRITER__FLUSH_INTERVAL_S", "inf"),
        ("WRITER__FLUSH_ROWS", "true"),
        ("WRITER__FLUSH_ROWS", "1.5"),
        ("WRITER__FLUSH_BYTES", "0"),
        ("EXCHANGES__BITVAVO__SYMBOLS", "BTC-EUR"),
        ("EXCHANGES__BITVAVO__SYMBOLS", "[]"),
        ("EXCHANGES__BITVAVO__SYMBOLS", '["BTCEUR"]'),
        ("EXCHANGES__BITVAVO__SYMBOLS", '["btc-eur"]'),
        ("EXCHANGES__BITVAVO__SYMBOLS", '["BTC-EUR\\n"]'),
        ("EXCHANGES__BITVAVO__SYMBOLS", '["../BTC-EUR"]'),
        ("EXCHANGES__BITVAVO__CHANNELS", "all"),
        ("EXCHANGES__BITVAVO__CHANNELS", "[]"),
        ("EXCHANGES__BITVAVO__CHANNELS", '["candles"]'),
        ("EXCHANGES__BITVAVO__TRANSPORT", "tcp"),
        ("EXCHANGES__BITVAVO__POLL_INTERVAL_S", "-1"),
        ("EXCHANGES__BITVAVO__CHECKPOINT_INTERVAL_S", "86401"),
        ("EXCHANGES__BITVAVO__STALE_AFTER_S", "601"),
        ("EXCHANGES__BITVAVO__SYMBOLS_PER_SOCKET", "0"),
        ("EXCHANGES__BITVAVO__WEBSOCKET_URL", "https://ws.bitvavo.com"),
        ("EXCHANGES__BITVAVO__WEBSOCKET_URL", "ws://ws.bitvavo.com"),
        ("EXCHANGES__BITVAVO__WEBSOCKET_URL", "ws://127.0.0.1.bitvavo.com"),
        ("EXCHANGES__BITVAVO__REST_URL", "http://api.bitvavo.com"),
        ("EXCHANGES__BITVAVO__REST_URL", "https://api.bitvavo.com/?a=b"),
    ],
)
def test_a_value_that_does_not_fit_is_a_fault_that_names_its_key(
    tmp_path: Path, name: str, value: str
) -> None:
    [fault] = faults_of(tmp_path, **{name: value})
    assert fault.startswith(name.lower().replace("__", ".") + " = ")
    assert f"in BOOKTAPE__{name}: takes " in fault


def test_the_page_and_whom_to_call_are_configured(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        '[dashboard]\nport = 0\nsymbols = ["bitvavo:BTC-EUR"]\n'
        '[alerts]\nwebhook_url = "https://hooks.example/T0/x?y=z"\nafter_s = 0\n',
    )
    assert (0, ("bitvavo:BTC-EUR",), ()) == (
        settings.dashboard.port,
        settings.dashboard.symbols,
        settings.dashboard.spread,
    )
    assert ("https://hooks.example/T0/x?y=z", "", 0.0, 14_400.0) == (
        settings.alerts.webhook_url,
        settings.alerts.heartbeat_url,
        settings.alerts.after_s,
        settings.alerts.repeat_s,
    )
    faults = faults_of(
        tmp_path,
        '[dashboard]\nport = 70000\nsymbols = ["BTC-EUR"]\n'
        'spread = ["a:A-B", "a:A-C", "a:A-D", "a:A-E", "a:A-F"]\n'
        '[alerts]\nwebhook_url = "ftp://x/"\n'
        'heartbeat_url = "https://user:word@x/"\nrepeat_s = 0\n',
    )
    assert 6 == len(faults)
    assert "word" not in "".join(faults)
