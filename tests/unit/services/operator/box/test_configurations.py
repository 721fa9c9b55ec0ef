from pathlib import Path

import pytest
from msgspec.structs import replace

from services.operator.box.configurations import (
    ConfigurationMove,
    Configurations,
    find_changed,
    find_strays,
)
from services.operator.box.releases import SwitchError
from shared.process.settings import ExchangeSettings, Settings, load

OLD, NEW = 64 * "a", 64 * "b"
PROGRAMS = ["ingest_alpha", "ingest_beta", "buffer_writer", "dashboard"]
EXCHANGE = ExchangeSettings(
    symbols=("BTC-EUR",),
    symbols_per_socket=1,
    read_interval_ms=0.0,
    websocket_url="wss://alpha.example/",
    rest_url="https://alpha.example",
)


@pytest.fixture
def configurations(tmp_path: Path) -> Configurations:
    for digest in (OLD, NEW):
        (tmp_path / "configurations").mkdir(exist_ok=True)
        (tmp_path / "configurations" / f"{digest}.toml").touch()
    return Configurations(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, tmp_path, exchanges={"alpha": EXCHANGE, "beta": EXCHANGE})


def test_a_link_names_a_configuration_and_then_another(configurations: Configurations) -> None:
    assert "" == configurations.digest(configurations.live)
    for digest in (OLD, NEW):
        configurations.point(configurations.live, digest)
        assert digest == configurations.digest(configurations.live)
    assert configurations.path(NEW) == configurations.live.resolve()


@pytest.mark.parametrize("digest", [64 * "c", ""])
def test_what_is_not_there_is_named_by_no_link(configurations: Configurations, digest: str) -> None:
    with pytest.raises(SwitchError, match="is not on this box"):
        configurations.point(configurations.live, digest)


def test_all_but_what_is_kept_and_named_is_removed(configurations: Configurations) -> None:
    configurations.point(configurations.live, NEW)
    configurations.prune([NEW])
    names = {path.name for path in configurations.live.parent.iterdir()}
    assert {"live.toml", f"{NEW}.toml"} == names


def test_a_move_is_back_until_it_was_made_and_can_be_turned_round(
    configurations: Configurations,
) -> None:
    move = ConfigurationMove(configurations, "ingest_alpha", (OLD, NEW), {}, is_plain=True)
    found = [move.is_back]
    assert str(configurations.path(NEW)) == move.environment["BOOKTAPE_CONFIG"]
    move.forth()
    assert NEW == configurations.digest(configurations.live)
    # Another feed's move goes back by the same link; this one is not back by that.
    configurations.point(configurations.live, OLD)
    found.append(move.is_back)
    way_back = move.reversed()
    assert (NEW, OLD, False) == (way_back.old, way_back.new, way_back.is_plain)
    move.back()
    assert [True, False, True] == [*found, move.is_back]


def test_only_what_a_change_concerns_is_moved_the_writer_first(settings: Settings) -> None:
    def changed(after: Settings) -> list[str]:
        return find_changed(settings, after, PROGRAMS)

    assert [] == changed(settings)
    other = replace(EXCHANGE, symbols=("ETH-EUR",))
    beta = replace(settings, exchanges={"alpha": EXCHANGE, "beta": other})
    assert ["ingest_beta"] == changed(beta)
    writer = replace(settings.writer, flush_rows=7)
    assert ["buffer_writer"] == changed(replace(settings, writer=writer))
    assert ["buffer_writer", "ingest_beta"] == changed(replace(beta, writer=writer))
    state = replace(settings.state, disk_free_min_bytes=7)
    everything = ["buffer_writer", "dashboard", "ingest_alpha", "ingest_beta"]
    assert everything == changed(replace(settings, state=state))
    assert ["buffer_writer"] == find_changed(
        settings, replace(beta, writer=writer), ["buffer_writer"]
    )


def test_what_only_the_box_s_stack_may_set_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "given.toml"
    path.write_text("[storage]\nurl = 's3://elsewhere'\n[state]\ndisk_free_min_bytes = 7\n")
    assert ["storage.url in given.toml: only the box's stack sets it"] == (find_strays(path))
