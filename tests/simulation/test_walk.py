from random import Random

import pytest

from tests.simulation.campaign import scratch
from tests.simulation.disk import PLENTY
from tests.simulation.machine import Machine
from tests.simulation.plan import Plan
from tests.simulation.processes import BufferWriter, Ingest
from tests.simulation.walk import Kind, walk_amid_undoing, walk_until_through
from tests.simulation.world import calm_down


@pytest.mark.parametrize("is_folder", [False, True], ids=["bucket", "folder"])
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_every_event_is_stored_once_wherever_it_happens(kind: Kind, *, is_folder: bool) -> None:
    outcome = walk_until_through(kind, is_folder=is_folder, chance=1)
    assert outcome is None, str(outcome)


def test_a_commit_that_fails_is_undone_wherever_its_process_ends() -> None:
    outcome = walk_amid_undoing()
    assert outcome is None, str(outcome)


def test_on_a_full_disk_a_writer_that_starts_anew_makes_room_by_what_it_uploads() -> None:
    plan = Plan()
    with scratch() as root:
        machine = Machine(root, plan, Random(1))
        with machine.installed():
            machine.install()
            for line in machine.missing:
                machine.start(line)
            ingest, writer = machine.actors["toy-a"], machine.actors["writer"]
            assert isinstance(ingest, Ingest)
            assert isinstance(writer, BufferWriter)
            machine.bucket.is_down = True
            for turn in (writer.tick, ingest.record, ingest.send, ingest.send, writer.tick) * 3:
                machine.clock.pass_s(2.5)
                machine.enter(machine.actors[turn.__self__.key], turn)  # type: ignore[attr-defined]
            waiting = writer.spool.committed.waiting_bytes
            assert waiting
            machine.bury(writer)
            machine.disk.capacity = machine.disk.tree.used
            machine.bucket.is_down = False
            machine.start(None)
            writer = machine.actors["writer"]
            assert isinstance(writer, BufferWriter)
            machine.enter(writer, writer.upload_all)
            assert 0 == writer.spool.committed.waiting_bytes
            assert waiting <= machine.disk.free
            machine.disk.capacity = PLENTY
            calm_down(machine, plan)
