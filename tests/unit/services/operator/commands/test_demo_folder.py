import os
from pathlib import Path

import pytest

from booktape.errors import BooktapeError
from services.__main__ import find_exchanges
from services.operator.commands.demo_folder import (
    Address,
    make_environment,
    make_folder,
    write_configuration,
)
from services.operator.supervision.supervisor import Supervisor
from shared.process.configured import load_settings
from shared.process.settings import DashboardSettings

PAGE = DashboardSettings(0, ("bitvavo:BTC-EUR",), ("a:A-B", "a:A-C", "a:D-B", "a:D-C"))
ADDRESSES = {
    "bitvavo": Address("ws://127.0.0.1:1/v2/", "http://127.0.0.1:1/v2"),
    "btcturk": Address("ws://127.0.0.1:2/", "http://127.0.0.1:2"),
}


def test_a_demo_has_a_configuration_of_its_own_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    make_folder(folder, is_fresh=False)
    write_configuration(folder, ADDRESSES, PAGE)
    around = {"BOOKTAPE__STORAGE__URL": "s3://live/tape", "BOOKTAPE_CONFIG": "x", "PATH": "/bin"}
    environment = make_environment(folder, around)
    assert {"BOOKTAPE_CONFIG": str(folder / "booktape.toml"), "PATH": "/bin"} == environment
    settings = load_settings(find_exchanges(), environment)
    assert f"file:{folder / 'data'}" == settings.storage.url
    assert folder / "var" == settings.state.path
    assert settings.exchanges["bitvavo"].symbols is None
    assert settings.dashboard == PAGE
    assert "http://127.0.0.1:2" == settings.exchanges["btcturk"].rest_url
    assert os.environ.get("BOOKTAPE_CONFIG") is None


def test_a_demo_may_ask_for_its_books(tmp_path: Path) -> None:
    make_folder(tmp_path / "demo", is_fresh=False)
    write_configuration(tmp_path / "demo", ADDRESSES, PAGE, transport="rest")
    settings = load_settings(find_exchanges(), make_environment(tmp_path / "demo", {}))
    assert {"rest"} == {settings.exchanges[name].transport for name in ADDRESSES}


def test_an_earlier_demo_is_removed_only_when_asked_for(tmp_path: Path) -> None:
    make_folder(tmp_path, is_fresh=False)
    write_configuration(tmp_path, ADDRESSES, PAGE)
    (tmp_path / "data").mkdir()
    with pytest.raises(BooktapeError, match="holds an earlier demo; remove it with --fresh"):
        make_folder(tmp_path, is_fresh=False)
    assert (tmp_path / "data").is_dir()
    make_folder(tmp_path, is_fresh=True)
    assert [tmp_path / "booktape.toml"] == list(tmp_path.iterdir())
    make_folder(tmp_path, is_fresh=True)  # it is known for a demo's already


def test_a_demo_that_runs_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, is_fresh=False)
    write_configuration(tmp_path, ADDRESSES, PAGE)
    monkeypatch.setattr(Supervisor, "find_pid", lambda _: 7)
    with pytest.raises(BooktapeError, match=r"a demo runs in .* process 7\); end it first"):
        make_folder(tmp_path, is_fresh=True)
    assert (tmp_path / "booktape.toml").is_file()


@pytest.mark.parametrize("is_fresh", [False, True])
def test_what_is_not_a_demos_is_never_touched(tmp_path: Path, *, is_fresh: bool) -> None:
    (tmp_path / "booktape.toml").write_text("[storage]\n")
    with pytest.raises(BooktapeError, match="is no folder of a demo; choose another with --folder"):
        make_folder(tmp_path, is_fresh=is_fresh)
    file = tmp_path / "booktape.toml"
    with pytest.raises(BooktapeError, match="is no folder of a demo"):
        make_folder(file, is_fresh=is_fresh)
    assert "[storage]\n" == file.read_text()
