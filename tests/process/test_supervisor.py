import os
import signal
import stat
from pathlib import Path

import pytest

from shared.process.files import Lock
from tests.process.standing import EXCHANGES, PROCESSES, PROGRAMS, REAL, Standing, wait_until

pytestmark = pytest.mark.process

FIRST, LAST = EXCHANGES[0], EXCHANGES[-1]


def all_started(standing: Standing) -> bool:
    return len(standing.said("started")) >= len(PROGRAMS)


def test_all_programs_run_and_the_writer_starts_first(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    with standing.run():
        wait_until(lambda: all(standing.state(name) == "RUNNING" for name in PROGRAMS))
        status = standing.control("status")
    assert 0 == status.returncode
    assert PROGRAMS == [line.split()[0] for line in status.stdout.splitlines()]
    log = (tmp_path / "var" / "log" / "supervisord.log").read_text()
    spawned = [line.split("'")[1] for line in log.splitlines() if "spawned:" in line]
    assert ("buffer_writer", "certifier") == (spawned[0], spawned[-1])


def test_the_feeds_stop_before_the_writer(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    with standing.run():
        wait_until(lambda: all_started(standing))
    stopped = [name for name, *_ in standing.said("stopped")]
    assert ("certifier", "write") == (stopped[0], stopped[-1])
    assert len(PROGRAMS) == len(standing.said("stopped"))


def test_a_restart_of_one_feed_leaves_the_others_alone(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    with standing.run():
        wait_until(lambda: all_started(standing))
        before = standing.supervisor.programs()
        assert 0 == standing.control("restart", f"ingest_{LAST}").returncode
        after = standing.supervisor.programs()
    changed = [name for name in PROGRAMS if before[name].pid != after[name].pid]
    assert [f"ingest_{LAST}"] == changed


@pytest.mark.parametrize("path", ["", "100%", "%s"])
def test_an_update_with_nothing_edited_restarts_nothing_and_one_more_program_touches_no_other(
    tmp_path: Path, path: str
) -> None:
    standing = Standing(tmp_path)
    standing.environment["PATH"] += os.pathsep + path
    conf = tmp_path / "supervisor.conf"
    text = conf.read_text(encoding="utf-8")
    with standing.run():
        wait_until(lambda: all(standing.state(name) == "RUNNING" for name in PROGRAMS))
        before = standing.supervisor.programs()
        assert ["", ""] == [standing.control("update").stdout for _ in "ab"]
        feed = text[text.index(f"[program:ingest_{FIRST}]") :].split("\n\n")[0]
        conf.write_text(f"{text}\n{feed.replace(FIRST, 'another')}\n", encoding="utf-8")
        assert "ingest_another: added process group\n" == standing.control("update").stdout
        wait_until(lambda: standing.state("ingest_another") == "RUNNING")
        after = standing.supervisor.programs()
    assert [] == [name for name in PROGRAMS if before[name].pid != after[name].pid]


def test_the_socket_is_for_its_owner_alone_and_there_is_no_port(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    with standing.run():
        mode = (tmp_path / "var" / "run" / "supervisor.sock").stat().st_mode
    assert 0o700 == stat.S_IMODE(mode)
    assert "inet_http_server" not in (tmp_path / "supervisor.conf").read_text()


def test_a_faulty_configuration_is_not_tried_again(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    (tmp_path / "booktape.toml").write_text("[storage]\nurl = 7\n")
    with standing.run():
        wait_until(lambda: all(standing.state(name) == "EXITED" for name in PROGRAMS))
        programs = standing.supervisor.programs()
    assert {78} == {program.exitstatus for program in programs.values()}
    log = (tmp_path / "var" / "log" / f"ingest_{FIRST}.log").read_text()
    assert 1 == log.count("storage.url = 7")


def test_whatever_else_a_process_ends_with_it_is_started_again(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    standing.plan(f"ingest-{FIRST}", status=0, life_s=2.0)
    standing.plan(f"ingest-{LAST}", status=75, life_s=2.0)
    standing.plan("write", status=1, life_s=0.0)
    with standing.run():
        for name in (f"ingest-{FIRST}", f"ingest-{LAST}", "write"):
            wait_until(lambda name=name: len(standing.said("started", name)) >= 3)  # type: ignore[misc]


def test_a_process_that_dies_too_early_waits_longer_each_time_and_never_gives_up(
    tmp_path: Path,
) -> None:
    standing = Standing(tmp_path)
    standing.plan("write", status=1, life_s=0.0)
    with standing.run():
        # By default it gives up after three more than the first, which it may take for a late one.
        wait_until(lambda: len(standing.said("started", "write")) >= 6)
        wait_until(lambda: standing.state("buffer_writer") == "BACKOFF")


def test_a_killed_process_is_started_again_alone(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    with standing.run():
        wait_until(lambda: all(standing.state(name) == "RUNNING" for name in PROGRAMS))
        before = standing.supervisor.programs()
        os.kill(before["buffer_writer"].pid, signal.SIGKILL)
        wait_until(lambda: len(standing.said("started", "write")) == 2)
        after = standing.supervisor.programs()
    assert before[f"ingest_{FIRST}"].pid == after[f"ingest_{FIRST}"].pid
    assert before[f"ingest_{LAST}"].pid == after[f"ingest_{LAST}"].pid


def test_a_refused_lock_is_tried_again_until_it_is_free(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    lock = Lock(tmp_path / "var" / "locks" / f"{FIRST}-a.lock")
    lock.acquire()
    log = tmp_path / "var" / "log" / f"ingest_{FIRST}.log"
    with standing.run():
        wait_until(lambda: log.exists() and log.read_text().count(str(os.getpid())) >= 2)
        assert standing.state(f"ingest_{FIRST}") != "FATAL"
        lock.release()
        wait_until(lambda: standing.has_reported(f"ingest_{FIRST}-a"))


def test_after_supervisord_was_killed_a_new_one_waits_for_the_orphans(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    with standing.run() as supervisord:
        wait_until(lambda: all(map(standing.has_reported, PROCESSES)))
        programs = standing.supervisor.programs()
        supervisord.kill()
        supervisord.wait()
    for name in ("dashboard", "certifier"):  # they record nothing
        os.kill(programs[name].pid, signal.SIGTERM)
    names = [name.removesuffix("-a") for name in PROCESSES]
    orphans = {programs[name].pid for name in names}
    logs = [tmp_path / "var" / "log" / f"{name}.log" for name in names]
    try:
        with standing.run():
            wait_until(lambda: all("held by" in log.read_text() for log in logs))
            assert orphans == {standing.holder(name) for name in PROCESSES}
            for pid in orphans:
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda: orphans.isdisjoint(map(standing.holder, PROCESSES)))
            wait_until(lambda: all(map(standing.has_reported, PROCESSES)))
    finally:
        standing.kill_orphans(orphans)


def test_health_says_what_the_processes_say(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    with standing.run():
        wait_until(lambda: all(map(standing.has_reported, PROCESSES)))
        health = standing.control("health")
        status = standing.booktape("status")
    # Nothing listens where the feeds look, and both say so.
    assert (1, 1) == (health.returncode, status.returncode)
    for said in (health.stdout, status.stdout):
        assert f"state {tmp_path / 'var'}" in said
        assert f"{FIRST}  connecting" in said
        assert "writer   running" in said
        assert f"! ingest_{LAST}-a is connecting" in said
