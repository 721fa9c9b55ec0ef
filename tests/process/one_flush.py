"""A journal flushed and uploaded by a child: until it is delivered and all is stored."""

from pathlib import Path

from booktape.store.folder import FolderStore
from services.buffer_writer.segment import prepare_arrow, write_segments
from shared.delivery import journal as journals
from shared.delivery.cursor import Cursor
from shared.delivery.journal import Journal
from shared.process.settings import WriterSettings
from tests.process.forking import serve
from tests.support.tapes import SESSION
from tests.support.writing import World

FLUSH_ROWS = 60
ROUNDS_MAX = 3


def main() -> None:
    prepare_arrow()
    serve(deliver)


def deliver(folder: Path) -> None:
    """Do what an ingest's sender and the writer do with a journal, until nothing is left to do."""
    journals.JOURNAL_FILE_BYTES_MAX = 1000  # type: ignore[misc] # several files, so that some are trimmed
    world = World(
        folder / "var",
        store=FolderStore(folder / "data"),
        settings=WriterSettings(flush_rows=FLUSH_ROWS),
        write_segments=write_segments,
    )
    world.upload()  # what an earlier run has left
    path = world.state / "journal" / "bitvavo" / SESSION
    journal = Journal.adopt(path)
    if journal:
        journal.sync()
        committed = 0
        for _ in range(ROUNDS_MAX):
            committed = _send(world, journal)
            if journal.is_delivered(committed):
                break
        journal.trim(committed)
        journal.remove()
    world.upload()
    world.clock.pass_s(60.0)
    world.writer.tend_sessions()


def _send(world: World, journal: Journal) -> int:
    """Send all that the writer lacks, and let it flush; return what is committed."""
    nothing = (0, 0)
    _, expected = world.writer.watermark().sessions.get(SESSION, nothing)
    cursor = Cursor(journal)
    cursor.seek(expected)
    while data := cursor.peek(expected):
        world.writer.receive(data)
        cursor.advance()
    cursor.close()
    world.writer.flush_all()
    world.upload()  # also asks the ledger, where a session's file is lost
    world.writer.tend_sessions()
    committed, _ = world.writer.watermark().sessions.get(SESSION, nothing)
    return committed


if __name__ == "__main__":
    main()
