import re
from configparser import RawConfigParser
from pathlib import Path

import pytest

from booktape.commands.main import build_parser, find_commands
from services.__main__ import find_exchange_names
from services.operator.supervision.supervisorctl import make_plugin
from shared.process.state import StateFolder
from tests.support.paths import ROOT

FEED, WRITER, SINK = "ingest_", "buffer_writer", "sink_influx"
BESIDE = {"dashboard", SINK}  # neither record nor write

TEXT = (ROOT / "supervisor.conf").read_text(encoding="utf-8")
# As it is with the sink that waits in comments.
BEGIN = TEXT.index(";[program:sink_")
WITH_SINK = TEXT[:BEGIN] + re.sub(r"^;", "", TEXT[BEGIN:], flags=re.MULTILINE)
CONF = RawConfigParser(inline_comment_prefixes=(";",))
CONF.read_string(WITH_SINK)
PROGRAMS = {
    section.removeprefix("program:"): dict(CONF[section])
    for section in CONF.sections()
    if section.startswith("program:")
}
# Where one program may differ from another.
OWN = {"command", "priority", "stopwaitsecs"}


def test_every_service_has_a_program_and_every_program_a_service() -> None:
    expected = {WRITER, *BESIDE, *(FEED + name for name in find_exchange_names())}
    assert expected == set(PROGRAMS)


def test_a_sink_is_run_by_nobody_who_has_not_asked_for_it() -> None:
    shipped = RawConfigParser(inline_comment_prefixes=(";",))
    shipped.read_string(TEXT)
    assert {f"program:{SINK}"} == set(CONF.sections()) - set(shipped.sections())


def test_a_sink_starts_last_and_ends_first() -> None:
    others = [int(program["priority"]) for name, program in PROGRAMS.items() if name != SINK]
    assert int(PROGRAMS[SINK]["priority"]) > max(others)


def test_no_program_is_in_a_group() -> None:
    assert [] == [section for section in CONF.sections() if section.startswith("group:")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_its_own_command(name: str) -> None:
    env, booktape, *arguments = PROGRAMS[name]["command"].split()
    assert ("/usr/bin/env", "booktape") == (env, booktape)
    parsed = build_parser(find_commands()).parse_args(arguments)
    if name == SINK:
        assert ("sink", "influx") == (parsed.command, parsed.name)
        return
    expected = "write" if name == WRITER else name.removeprefix(FEED)
    assert expected == getattr(parsed, "exchange", parsed.command)
    assert "a" == getattr(parsed, "line", "a")


def test_what_nobody_depends_on_starts_last_and_stops_first() -> None:
    priorities = {name: int(program["priority"]) for name, program in PROGRAMS.items()}
    rest = max(priority for name, priority in priorities.items() if name not in BESIDE)
    assert min(priorities[name] for name in BESIDE) > rest


def test_the_programs_differ_only_where_they_must() -> None:
    rest = [{k: v for k, v in program.items() if k not in OWN} for program in PROGRAMS.values()]
    assert all(one == rest[0] for one in rest)


def test_nothing_is_expanded_from_what_supervisord_itself_changes() -> None:
    # Each `supervisorctl update` would restart every program.
    assert [] == [name for name in CONF.sections() if "environment" in CONF[name]]
    values = [value for name in CONF.sections() for value in CONF[name].values()]
    assert [] == [value for value in values if "%(ENV_" in value]


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_a_faulty_configuration_is_final(name: str) -> None:
    program = PROGRAMS[name]
    assert ("unexpected", "78") == (program["autorestart"], program["exitcodes"])
    assert int(program["startretries"]) >= 10**9
    assert 1 == int(program["startsecs"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_stop_drains_and_leaves_no_child_behind(name: str) -> None:
    program = PROGRAMS[name]
    assert "TERM" == program["stopsignal"]
    assert ("true", "true") == (program["stopasgroup"], program["killasgroup"])
    assert int(program["stopwaitsecs"]) >= 30


def test_the_feeds_stop_before_the_writer_and_start_after_it() -> None:
    feeds = {int(program["priority"]) for name, program in PROGRAMS.items() if name != WRITER}
    assert min(feeds) > int(PROGRAMS[WRITER]["priority"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_logs_are_bounded(name: str) -> None:
    program = PROGRAMS[name]
    assert "10MB" == program["stdout_logfile_maxbytes"]
    assert 0 < int(program["stdout_logfile_backups"]) <= 10
    assert "true" == program["redirect_stderr"]


def test_there_is_one_socket_for_its_owner_and_no_port() -> None:
    assert "inet_http_server" not in CONF
    assert "0700" == CONF["unix_http_server"]["chmod"]
    assert f"unix://{CONF['unix_http_server']['file']}" == CONF["supervisorctl"]["serverurl"]


def test_its_paths_are_those_of_the_state_folder() -> None:
    state = StateFolder(Path("%(here)s/var"))
    assert str(state.supervisor_pid) == CONF["supervisord"]["pidfile"]
    logs = {program["stdout_logfile"] for program in PROGRAMS.values()}
    assert {str(state.log("%(program_name)s"))} == logs


def test_the_plugin_is_where_the_file_says() -> None:
    expected = f"{make_plugin.__module__}:{make_plugin.__name__}"
    assert expected == CONF["ctlplugin:booktape"]["supervisor.ctl_factory"]
