import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from shared.delivery.frame import decode
from shared.delivery.pipe import Receiver, WatermarkPublisher, endpoint, open_context
from tests.support.fake_writer import FakeWriter
from tests.support.paths import ROOT

ROUNDS_MAX = 2000

INGEST = """
import sys, threading, time
from pathlib import Path
from shared.delivery.abandoned import leftovers
from shared.delivery.journal import Journal
from shared.delivery.pipe import Publisher, WatermarkSubscriber, endpoint, open_context
from shared.delivery.sender import Sender
from tests.support.frames import make_end, make_frame

folder, session = Path(sys.argv[1]), sys.argv[2]
journal = Journal.create(folder / "journal", session)
context = open_context()
frames = endpoint(folder, "frames")
watermarks = WatermarkSubscriber(context, endpoint(folder, "watermarks"))
sender = Sender([journal], lambda: Publisher(context, frames), watermarks, time.monotonic)
for path in leftovers(folder / "journal"):
    adopted = Journal.adopt(path)
    if adopted is not None:
        if not adopted.ended:
            adopted.append(make_end(adopted.next_number, session=adopted.session))
        sender.add(adopted)
threading.Thread(target=sender.run, args=(threading.Event(),), daemon=True).start()
pause = threading.Event()
while True:
    first = journal.next_number
    journal.append(make_frame(first, 1 + first % 3, session=session, detail="x" * 500))
    pause.wait(0.002)
"""


class Writer:
    """The rules of a writer behind real sockets; it may die at any moment."""

    def __init__(self, folder: Path) -> None:
        self.rules = FakeWriter()
        self._context = open_context()
        self._frames = endpoint(folder, "frames")
        self._watermarks = endpoint(folder, "watermarks")
        self._open()

    def _open(self) -> None:
        self._receiver = Receiver(self._context, self._frames)
        self._publisher = WatermarkPublisher(self._context, self._watermarks)

    def work(self) -> None:
        self._publisher.publish(self.rules.watermark())
        for _ in range(50):
            data = self._receiver.receive(20)
            if data is None:
                break
            self.rules.take(decode(data))

    def kill(self) -> None:
        """Die with all that is not committed and all that is in the sockets; come back."""
        self.close()
        self.rules.kill()
        self._open()

    def close(self) -> None:
        self._receiver._socket.close(linger=0)
        self._publisher._socket.close(linger=0)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path)
    yield writer
    writer.close()
    writer._context.term()


def start(folder: Path, session: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", INGEST, str(folder), session], cwd=ROOT)


@pytest.mark.process
@pytest.mark.slow
def test_kills_on_either_side_lose_nothing_and_double_nothing(
    tmp_path: Path, writer: Writer
) -> None:
    random = Random(20261122)
    journals = tmp_path / "journal"
    sessions = [f"{number}-toy-a" for number in range(6)]
    for session in sessions:
        ingest = start(tmp_path, session)
        # It has sent something before anybody dies, and the last one lives until all is stored.
        for _ in range(ROUNDS_MAX):
            writer.work()
            has_sent = bool(writer.rules.stored.get(session))
            is_last = session == sessions[-1]
            if is_last and has_sent and [session] == [path.name for path in journals.iterdir()]:
                break
            if not is_last and has_sent and random.random() < 0.2:
                break
            if random.random() < 0.1:
                writer.rules.commit()
            if random.random() < 0.1:
                writer.kill()
        ingest.kill()
        ingest.wait()
    assert [sessions[-1]] == [path.name for path in journals.iterdir()]
    assert not any(writer.rules.holes.values())
    assert set(sessions) == set(writer.rules.stored)
    for numbers in writer.rules.stored.values():
        assert list(range(len(numbers))) == numbers
