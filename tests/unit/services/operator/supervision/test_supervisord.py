from collections.abc import Iterator
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from tempfile import TemporaryDirectory

import pytest

from services.operator.supervision.programs import Programs
from services.operator.supervision.recording import OUTPUT_NAME, Recording
from tests.process.standing import STAND_IN, install
from tests.unit.services.operator.supervision.test_recording import CONF

PROGRAM = """
[program:sleeper]
command=/bin/sleep 1000
autostart=false
stdout_logfile=NONE
stderr_logfile=NONE
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:  # a socket's path is short
        yield Path(name)


def test_a_full_disk_does_not_end_it(folder: Path) -> None:
    (folder / "my.conf").write_text(CONF + PROGRAM)
    programs = Programs(folder / "my.conf", folder / "s", folder, folder, install(folder, STAND_IN))
    recording = Recording(programs)
    recording.start()
    pid = recording.supervisor.find_pid()
    assert pid is not None
    limits = prlimit(pid, RLIMIT_FSIZE, (0, RLIM_INFINITY))  # no file of its own takes a byte
    log = folder / "supervisord.log"
    size = log.stat().st_size
    for _ in range(3):
        recording.supervisor.restart("sleeper")
        recording.supervisor.stop("sleeper")
    assert pid == recording.supervisor.find_pid()
    assert size == log.stat().st_size
    prlimit(pid, RLIMIT_FSIZE, limits)
    assert recording.drain(on_wait=lambda _: None)
    assert recording.has_ended_well
    assert size < log.stat().st_size  # there is room again
    assert b"" == (folder / OUTPUT_NAME).read_bytes()
