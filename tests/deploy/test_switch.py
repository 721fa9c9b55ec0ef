import hashlib
import signal
from pathlib import Path

import pytest

from tests.deploy.box import CELL, EXCHANGES, NEW, OLD, PROGRAMS, Box
from tests.process.standing import wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    box = Box(tmp_path)
    for release in (OLD, NEW):
        box.add_release(release)
    return box


def find_missing(box: Box) -> tuple[int, int]:
    """Return how many sequences, and how many ms of a live book, the tape lacks."""
    uncovered = [box.find_uncovered_ms(exchange) for exchange in EXCHANGES]
    missing = box.find_missing()
    assert [3, 3, 3] == [len(symbols) for symbols in (missing, *uncovered)]
    assert 0 == box.find_gaps()
    return sum(missing.values()), sum(sum(symbols.values()) for symbols in uncovered)


EXTRA = """
[program:extra]
command=/bin/cat
"""
# The first line of an ingest, after which a release can be made to fail.
HEAD = "    log.setup(ingest_name(exchange.name, line))\n"


def spoil_ingest(box: Box, condition: str) -> None:
    """Let the new release's feed fail where it is so."""
    ingest = box.root / "releases" / NEW / "code" / "shared" / "ingest" / "process.py"
    text = ingest.read_text()
    assert HEAD in text
    broken = f"{HEAD}    if {condition}:\n        return EXIT_FAULT\n"
    ingest.write_text(text.replace(HEAD, broken))


def test_a_deploy_and_a_rollback_miss_not_one_sequence(box: Box) -> None:
    with (box.root / "releases" / NEW / "code" / "supervisor.conf").open("a") as conf:
        conf.write(EXTRA)
    with box.run():
        assert {OLD} == box.find_releases()
        before = box.find_pids()
        done = box.command("deploy", NEW)
        assert 0 == done.returncode, done.stdout
        assert ({NEW}, NEW) == (box.find_releases(), box.find_current())
        assert not set(before.values()) & set(box.find_pids().values())
        order = [done.stdout.index(f"{name}: {OLD}") for name in PROGRAMS]
        assert sorted(order) == order
        assert {*PROGRAMS, "extra"} == set(box.supervisor.programs())

        done = box.command("rollback", OLD)
        assert 0 == done.returncode, done.stdout
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
        order = [done.stdout.index(f"{name}: {NEW}") for name in [*PROGRAMS[1:], PROGRAMS[0]]]
        assert sorted(order) == order
        assert set(PROGRAMS) == set(box.supervisor.programs())
    assert 0 == box.verify()
    for exchange in EXCHANGES:
        assert 5 * [exchange] == [name.split("-")[0] for name in box.find_sessions(exchange)]
    assert (0, 0) == find_missing(box)


def test_a_plain_restart_does_miss_some(box: Box) -> None:
    with box.run():
        box.control("restart", "ingest_bitvavo", "ingest_btcturk")
    assert 0 == box.verify()
    missing, uncovered_ms = find_missing(box)
    assert missing > 0
    assert uncovered_ms > 0
    assert all(sum(box.find_uncovered_ms(exchange).values()) > 0 for exchange in EXCHANGES)


@pytest.mark.parametrize("part", ["services/buffer_writer/writer.py", "shared/ingest/process.py"])
def test_a_broken_release_is_refused_and_the_old_one_records_on(box: Box, part: str) -> None:
    broken = box.root / "releases" / NEW / "code" / part
    broken.write_text("raise RuntimeError('broken')\n")
    with box.run():
        before = box.find_pids()
        done = box.command("deploy", NEW)
        assert 1 == done.returncode, done.stdout
        assert f"putting {OLD} back" in done.stdout
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
        feeds = [name for name in before if name.startswith("ingest")]
        after = box.find_pids()
        assert [before[name] for name in feeds] == [after[name] for name in feeds]
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


def test_a_release_whose_line_a_alone_fails_goes_back_while_line_b_records(box: Box) -> None:
    spoil_ingest(box, "line.endswith('a')")
    code = box.root / "releases" / NEW / "code"
    handover = code / "services" / "operator" / "commands" / "handover.py"
    handover.write_text(handover.read_text().replace("LIVE_S = 600.0", "LIVE_S = 40.0"))
    with box.run():
        done = box.command("deploy", NEW)
        assert 1 == done.returncode, done.stdout
        assert "line a goes back to what it was" in done.stdout
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


def test_a_release_that_does_not_know_the_configuration_is_refused_at_once(box: Box) -> None:
    settings = box.root / "releases" / NEW / "code" / "shared" / "process" / "settings.py"
    settings.write_text(settings.read_text().replace("flush_interval_s", "flush_each_s"))
    with box.run():
        before = box.find_pids()
        done = box.command("deploy", NEW)
        assert 1 == done.returncode
        assert "refused, and nothing was done: writer.flush_interval_s" in done.stdout
        assert before == box.find_pids()
    assert OLD == box.find_current()


def test_a_fault_in_the_configuration_is_told_and_nothing_is_done(box: Box) -> None:
    with box.run():
        before = box.find_pids()
        with (box.configurations / "live.toml").open("a") as file:
            file.write("\n[writter]\n")
        done = box.command("deploy", NEW)
        assert 1 == done.returncode
        assert "refused, and nothing was done: writter" in done.stdout
        assert before == box.find_pids()
    assert OLD == box.find_current()


def test_a_fault_in_the_last_step_puts_all_of_it_back(box: Box) -> None:
    conf = box.root / "releases" / NEW / "code" / "supervisor.conf"
    conf.write_text(conf.read_text().replace("stopwaitsecs=60", "stopwaitsecs=never"))
    with box.run():
        before = (box.root / "programs" / "supervisor.conf").read_text()
        done = box.command("deploy", NEW)
        assert 1 == done.returncode, done.stdout
        assert f"ingest_btcturk: {NEW} -> {OLD}" in done.stdout
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
        assert before == (box.root / "programs" / "supervisor.conf").read_text()
        box.supervisor.reread()
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_feed_that_cannot_reach_its_exchange_is_restarted_and_must_run(
    box: Box, *, is_broken: bool
) -> None:
    if is_broken:
        spoil_ingest(box, "exchange.name == 'btcturk'")
    with box.run(unreachable={"btcturk"}):
        done = box.command("deploy", NEW)
        expected = OLD if is_broken else NEW
        assert int(is_broken) == done.returncode, done.stdout
        assert "ingest_btcturk has no live book, so it is restarted" in done.stdout
        wait_until(box.is_live)
        assert ({expected}, expected) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()
    assert 0 == sum(box.find_missing().values())


@pytest.mark.parametrize("at", [f"buffer_writer: {OLD}", "line b is live; restarting ingest_bitv"])
def test_a_deploy_that_is_stopped_half_way_puts_the_old_release_back(box: Box, at: str) -> None:
    with box.run():
        with box.interrupted("deploy", NEW, at=at, by=signal.SIGTERM) as said:
            pass
        assert f"putting {OLD} back" in "".join(said)
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


def test_a_deploy_that_is_killed_half_way_can_be_done_again(box: Box) -> None:
    at = "line b of bitvavo starts"
    with box.run():
        with box.interrupted("deploy", NEW, at=at, by=signal.SIGKILL):
            assert {OLD, NEW} == box.find_releases()
        wait_until(box.is_live)  # line b has ended by itself
        assert OLD == box.find_current()
        done = box.command("deploy", NEW)
        assert 0 == done.returncode, done.stdout
        assert ({NEW}, NEW) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


def test_a_box_that_loses_power_in_a_deploy_comes_back_as_the_old_release(box: Box) -> None:
    with box.run():
        with box.interrupted(
            "deploy", NEW, at="line b is live; restarting ingest_btcturk", by=signal.SIGKILL
        ):
            box.lose_power()
        box.boot()
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()


def test_a_second_deploy_waits_for_none_and_touches_nothing(box: Box) -> None:
    at = "line b of bitvavo starts"
    with box.run():
        with box.interrupted("deploy", NEW, at=at, by=None) as said:
            done = box.command("deploy", 40 * "c")
            assert 75 == done.returncode
            assert "another deploy of this box is under way" in done.stdout
        assert f"switched: {NEW} is live" in "".join(said)
        assert ({NEW}, NEW) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


def test_a_release_that_is_not_there_is_refused(box: Box) -> None:
    with box.run():
        before = box.find_pids()
        done = box.command("deploy", 40 * "c")
        assert 0 != done.returncode
        assert "was not installed, and nothing was changed" in done.stdout
        assert before == box.find_pids()
    assert not (box.root / "releases" / (40 * "c")).exists()


def test_a_box_that_is_drained_holds_nothing_back(box: Box) -> None:
    with box.run(ends_live=False):
        done = box.command("drain")
        assert 0 == done.returncode, done.stdout
        assert {} == box.find_processes()
    assert 0 == box.verify()


def find_symbols(box: Box) -> int:
    report = box.find_processes()[f"ingest_bitvavo-{CELL}a"].ingest
    assert report
    return report.symbols


def test_a_symbol_more_or_less_hands_over_its_feed_alone_and_misses_nothing(box: Box) -> None:
    with box.run():
        before = box.find_pids()
        fewer = box.add_configuration(
            box.configuration.replace('symbols = "all"', 'symbols = ["BTC-EUR", "ETH-EUR"]', 1)
        )
        done = box.command("configure", 40 * "0", fewer)
        assert 0 == done.returncode, done.stdout
        after = box.find_pids()
        changed = {name for name in before if before[name] != after[name]}
        assert {f"ingest_bitvavo-{CELL}a"} == changed
        assert 2 == find_symbols(box)
        # And back again: a feed that gets symbols is handed over as well.
        before_digest = hashlib.sha256(box.configuration.encode()).hexdigest()
        box.add_configuration(box.configuration)
        done = box.command("configure", 40 * "0", before_digest)
        assert 0 == done.returncode, done.stdout
        assert 3 == find_symbols(box)
    assert 0 == box.verify()
    missing = box.find_missing()
    assert {0} == {missing["BTC-EUR"], missing["ETH-EUR"]}


def test_a_configuration_with_a_fault_touches_nothing(box: Box) -> None:
    with box.run():
        before = box.find_pids()
        faulty = box.add_configuration("[exchanges.bitvavo]\nlimit_share = 2\n")
        done = box.command("configure", 40 * "0", faulty)
        assert 1 == done.returncode
        assert "refused, and nothing was done: exchanges.bitvavo.limit_share = 2" in done.stdout
        assert before == box.find_pids()


def test_a_feed_that_is_disabled_idles_and_is_no_trouble(box: Box) -> None:
    with box.run():
        conf = box.configuration.replace(
            "[exchanges.btcturk]", "[exchanges.btcturk]\nenabled = false"
        )
        done = box.command("configure", 40 * "0", box.add_configuration(conf))
        assert 0 == done.returncode, done.stdout
        assert "ingest_btcturk will record nothing, so it is restarted" in done.stdout
        wait_until(lambda: "all well" in box.command("status").stdout)
        assert "disabled" == box.find_processes()[f"ingest_btcturk-{CELL}a"].state
        assert 0 == box.command("ready").returncode
        box.unreachable = {"btcturk"}
    assert 0 == box.verify()
