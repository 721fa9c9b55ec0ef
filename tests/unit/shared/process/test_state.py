"""Where everything of the state folder lies: a layout that older and newer releases share."""

from pathlib import Path

from shared.process.state import StateFolder, ingest_name, sink_name

STATE = StateFolder(Path("/var"))
SESSION = "20260101T000000.000000Z-toy-a"


def test_every_file_has_its_place() -> None:
    expected = {
        "journal": STATE.journals,
        "journal/toy": STATE.journals_of("toy"),
        f"journal/toy/{SESSION}": STATE.journal(SESSION),
        "sessions": STATE.sessions,
        f"sessions/{SESSION}.json": STATE.session(SESSION),
        "spool": STATE.spool,
        "spool/conflict": STATE.conflict,
        "spool/reserve": STATE.reserve,
        "spool/store": STATE.home,
        "status": STATE.status,
        "status/ingest_toy-b.json": STATE.report(ingest_name("toy", "b")),
        "locks/writer.lock": STATE.writer_lock,
        "locks/toy-a.lock": STATE.ingest_lock("toy", "a"),
        "instruments/toy-a.json": STATE.instruments("toy", "a"),
        "locks/sink_toy.lock": STATE.sink_lock("toy"),
        "sinks/toy.json": STATE.sink("toy"),
        "status/sink_toy.json": STATE.report(sink_name("toy")),
        "silences": STATE.silences,
        "silences/toy.json": STATE.silence("toy"),
        "limits/toy.json": STATE.limits("toy"),
        "log": STATE.logs,
        "log/ingest_toy.log": STATE.log("ingest_toy"),
        "run": STATE.run,
        "run/supervisord.pid": STATE.supervisor_pid,
        "run/supervisor.conf": STATE.supervisor_conf,
    }
    assert {place: Path("/var") / place for place in expected} == expected


def test_a_supervisor_wants_the_folders_of_its_sockets_and_its_logs() -> None:
    assert (STATE.run, STATE.logs) == STATE.wanted_by_supervisor


def test_naming_a_place_makes_nothing(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert state.log("x").parent == state.logs
    assert [] == list(tmp_path.iterdir())
