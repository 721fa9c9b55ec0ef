import os
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from supervisor.options import ServerOptions

import services
from booktape.errors import ConfigError
from services.operator.supervision.programs import (
    add_sinks,
    find_conf,
    find_environment,
    leave_out,
    localise,
    prepare,
    socket_path,
)
from shared.process.settings import Settings, load
from tests.support.paths import ROOT

CONF = (ROOT / "supervisor.conf").read_text()


def make_settings(folder: Path, state: str = "var") -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    return load({"BOOKTAPE__STATE__PATH": state}, folder, exchanges={})


def read(path: Path) -> RawConfigParser:
    parser = RawConfigParser(inline_comment_prefixes=(";",))
    parser.read(path, encoding="utf-8")
    return parser


def test_a_project_folder_is_run_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "supervisor.conf").write_text(CONF)
    prepared = prepare(make_settings(tmp_path), {})
    assert tmp_path / "supervisor.conf" == prepared.conf
    assert tmp_path / "var" / "run" / "supervisor.sock" == prepared.socket
    assert (tmp_path / "var" / "log").is_dir()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder in which a socket's path is not too long for the system."""
    with TemporaryDirectory(prefix="b") as folder:
        yield Path(folder)


def test_another_state_gets_a_copy_with_its_paths(tmp_path: Path, short_path: Path) -> None:
    state = short_path / "else where" / "50%"
    prepared = prepare(make_settings(tmp_path / "conf", str(state)), {})
    assert state / "run" / "supervisor.conf" == prepared.conf
    text = prepared.conf.read_text()
    assert str(ROOT / "supervisor.conf") in text.splitlines()[0]
    assert "%(here)s" not in text.split("[unix_http_server]")[1]
    conf = read(prepared.conf)
    escaped = str(state).replace("%", "%%")
    assert f"{escaped}/run/supervisor.sock" == conf["unix_http_server"]["file"]
    assert f"unix://{escaped}/run/supervisor.sock" == conf["supervisorctl"]["serverurl"]
    assert escaped == conf["ctlplugin:booktape"]["state"]
    assert str(tmp_path / "conf") == conf["program:buffer_writer"]["directory"]
    log = conf["program:ingest_bitvavo"]["stdout_logfile"]
    twice = escaped.replace("%", "%%")
    assert f"{twice}/log/%(program_name)s.log" == log
    # supervisord finds the places that are meant.
    options = ServerOptions()
    options.realize(["-c", str(prepared.conf)], doc="")
    [program, *_] = [p for g in options.process_group_configs for p in g.process_configs]
    assert f"{state}/log/buffer_writer.log" == program.stdout_logfile
    assert str(state / "run" / "supervisord.pid") == options.pidfile


@pytest.mark.parametrize("name", ["50%", "%s", "%(ENV_SECRET)s", "100%% sure"])
def test_a_percent_sign_in_the_folder_is_no_word_of_supervisord(
    short_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "swordfish")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/opt/%s:/opt/50%")
    folder = short_path / name
    folder.mkdir()
    (folder / "supervisor.conf").write_text(CONF)
    prepared = prepare(make_settings(folder), dict(os.environ))
    options = ServerOptions()
    options.realize(["-c", str(prepared.conf)], doc="")
    [program, *_] = [p for g in options.process_group_configs for p in g.process_configs]
    assert str(folder / "var" / "log" / "buffer_writer.log") == program.stdout_logfile
    assert str(folder) == program.directory
    assert {} == program.environment
    assert "swordfish" not in prepared.conf.read_text()


def test_a_long_path_moves_the_socket_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = TemporaryDirectory()  # pytest's own are too long
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime.name)
    folder = tmp_path / ("x" * 90)
    folder.mkdir()
    (folder / "supervisor.conf").write_text(CONF)
    prepared = prepare(make_settings(folder), {})
    # supervisord binds <socket>.<pid> first.
    assert len(f"{prepared.socket}.{os.getpid()}") <= 107
    assert folder / "var" / "run" / "supervisor.conf" == prepared.conf
    conf = read(prepared.conf)
    assert str(prepared.socket) == conf["unix_http_server"]["file"]
    assert str(folder / "var") == conf["ctlplugin:booktape"]["state"]
    runtime.cleanup()


def test_the_configurations_own_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "supervisor.conf").write_text(CONF)
    assert tmp_path / "supervisor.conf" == find_conf(tmp_path)
    assert ROOT / "supervisor.conf" == find_conf(tmp_path / "other")


def test_installed_it_is_found_where_it_was_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    package = tmp_path / "lib" / "services" / "__init__.py"
    monkeypatch.setattr(services, "__file__", str(package))
    shipped = tmp_path / "share" / "booktape" / "supervisor.conf"
    with pytest.raises(ConfigError, match=r"no supervisor\.conf in any of"):
        find_conf(tmp_path)
    shipped.parent.mkdir(parents=True)
    shipped.write_text(CONF)
    assert shipped == find_conf(tmp_path)


def test_the_default_socket_lies_in_the_state(tmp_path: Path) -> None:
    assert tmp_path / "run" / "supervisor.sock" == socket_path(tmp_path)


def test_what_an_operator_wrote_without_our_paths_stays() -> None:
    own = "[supervisord]\nlogfile=/var/log/mine.log\n"
    assert own == localise(own, Path("a"), Path("b"), Path("c"))


def test_children_find_this_command_and_this_configuration(tmp_path: Path) -> None:
    (tmp_path / "my.toml").touch()
    given = {"BOOKTAPE_CONFIG": "my.toml", "PATH": "/bin", "OTHER": "stays"}
    settings = load(given, tmp_path, exchanges={})
    environment = find_environment(settings, given)
    assert str(tmp_path / "my.toml") == environment["BOOKTAPE_CONFIG"]
    assert f"{Path(sys.executable).parent}:/bin" == environment["PATH"]
    assert "stays" == environment["OTHER"]


def test_no_configuration_is_named_where_none_was(tmp_path: Path) -> None:
    assert "BOOKTAPE_CONFIG" not in find_environment(make_settings(tmp_path), {})


def test_what_is_left_out_is_in_no_copy(tmp_path: Path) -> None:
    (tmp_path / "supervisor.conf").write_text(CONF)
    prepared = prepare(make_settings(tmp_path), {}, without=["dashboard", "none"])
    assert tmp_path / "var" / "run" / "supervisor.conf" == prepared.conf
    conf, whole = read(prepared.conf), read(tmp_path / "supervisor.conf")
    assert {"program:dashboard"} == set(whole.sections()) - set(conf.sections())
    assert dict(whole["program:buffer_writer"]).keys() == dict(conf["program:buffer_writer"]).keys()


def test_a_program_in_the_middle_is_left_out_alone() -> None:
    text = "[a]\nx=1\n[program:b]\ny=1\n\n; of c\n[program:c]\nz=1\n"
    assert "[a]\nx=1\n[program:c]\nz=1\n" == leave_out(text, ["b"])
    assert "[a]\nx=1\n[program:b]\ny=1\n\n; of c\n" == leave_out(text, ["c"])


def make_sinks(folder: Path, *names: str) -> Settings:
    environment = {f"BOOKTAPE__SINKS__{name}__URL": "http://127.0.0.1/write" for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    return load(environment, folder, exchanges={})


def test_each_sink_that_is_configured_has_a_program(tmp_path: Path) -> None:
    (tmp_path / "supervisor.conf").write_text(CONF)
    prepared = prepare(make_sinks(tmp_path, "influx", "other"), {})
    assert tmp_path / "var" / "run" / "supervisor.conf" == prepared.conf
    conf = read(prepared.conf)
    assert {"program:sink_influx", "program:sink_other"} <= set(conf.sections())
    assert "/usr/bin/env booktape sink other" == conf["program:sink_other"]["command"]
    options = ServerOptions()
    options.configfile = str(prepared.conf)
    options.process_config(do_usage=False)
    names = [config.name for config in options.process_group_configs]
    assert {"sink_influx", "sink_other"} <= set(names)


def test_a_sink_that_has_a_program_keeps_it() -> None:
    own = "\n[program:sink_influx]\ncommand=/bin/cat\n"
    assert CONF + own == add_sinks(CONF + own, ["influx"])
    assert "no comments" == add_sinks("no comments", ["influx"])
    assert CONF == add_sinks(CONF, [])
