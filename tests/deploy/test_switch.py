from pathlib import Path

import pytest

from tests.deploy.box import EXCHANGES, NEW, OLD, PROGRAMS, Box

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


def test_a_deploy_and_a_rollback_miss_not_one_sequence(box: Box) -> None:
    with box.run():
        assert {OLD} == box.find_releases()
        before = box.find_pids()
        done = box.command("deploy", NEW)
        assert 0 == done.returncode, done.stdout
        assert ({NEW}, NEW) == (box.find_releases(), box.find_current())
        assert not set(before.values()) & set(box.find_pids().values())
        order = [done.stdout.index(f"{name}: {OLD}") for name in PROGRAMS]
        assert sorted(order) == order

        done = box.command("rollback", OLD)
        assert 0 == done.returncode, done.stdout
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
        order = [done.stdout.index(f"{name}: {NEW}") for name in [*PROGRAMS[1:], PROGRAMS[0]]]
        assert sorted(order) == order
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


@pytest.mark.parametrize("part", ["services/buffer_writer/writer.py", "shared/ingest.py"])
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
    code = box.root / "releases" / NEW / "code"
    ingest = code / "shared" / "ingest.py"
    head = '    log.setup(f"ingest_{exchange.name}-{line}")\n'
    assert head in ingest.read_text()
    broken = f"{head}    if line == 'a':\n        return EXIT_FAULT\n"
    ingest.write_text(ingest.read_text().replace(head, broken))
    handover = code / "services" / "operator" / "handover.py"
    handover.write_text(handover.read_text().replace("LIVE_S = 600.0", "LIVE_S = 8.0"))
    with box.run():
        done = box.command("deploy", NEW)
        assert 1 == done.returncode, done.stdout
        assert "line a goes back to what it was" in done.stdout
        assert ({OLD}, OLD) == (box.find_releases(), box.find_current())
    assert 0 == box.verify()
    assert (0, 0) == find_missing(box)


def test_a_release_that_does_not_know_the_configuration_is_refused_at_once(box: Box) -> None:
    settings = box.root / "releases" / NEW / "code" / "shared" / "settings.py"
    settings.write_text(settings.read_text().replace("flush_interval_s", "flush_each_s"))
    with box.run():
        before = box.find_pids()
        done = box.command("deploy", NEW)
        assert 1 == done.returncode
        assert "refused, and nothing was done: writer.flush_interval_s" in done.stdout
        assert before == box.find_pids()
    assert OLD == box.find_current()


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
