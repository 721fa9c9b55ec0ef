from pathlib import Path

import pytest
from msgspec.structs import replace

from booktape.errors import TapeError
from booktape.manifest import Manifest
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.manifest import (
    check,
    count_bytes,
    ledger_key,
    make_manifest,
    name_of,
    next_of,
    session_of,
)
from tests.support.writing import DAY, SESSION, make_book, write_plain

NAME = f"{SESSION}-000000000010-000000000019"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    run = FrameRun(SESSION, DAY, [make_book(10)], 20, ends_session=False)
    return make_manifest(run, write_plain(run, lambda table: tmp_path / table), 77)


def test_a_manifest_says_what_was_written(manifest: Manifest) -> None:
    assert (SESSION, "toy", "a") == (manifest.session, manifest.exchange, manifest.line)
    assert (10, 19, 77) == (manifest.first, manifest.last, manifest.written_at)
    [entry] = manifest.tables["book"]
    assert f"tape/book/exchange=toy/date=2024-10-04/{NAME}.parquet" == entry.key
    assert (10, 10, 29) == (entry.events, entry.rows, entry.bytes)
    assert 29 == count_bytes(manifest)


def test_a_manifest_lies_in_the_ledger_under_the_date_of_its_segments(manifest: Manifest) -> None:
    assert f"ledger/exchange=toy/date=2024-10-04/{NAME}.json" == ledger_key(manifest)


def test_a_manifest_that_we_wrote_can_be_true(manifest: Manifest) -> None:
    check(manifest, NAME)


def test_a_name_says_session_and_range() -> None:
    assert NAME == name_of(SESSION, 10, 19)
    assert (SESSION, 20) == (session_of(NAME), next_of(NAME))


def test_a_manifest_under_another_name_is_refused(manifest: Manifest) -> None:
    with pytest.raises(TapeError, match="of another range"):
        check(manifest, NAME.replace("19", "18"))


def test_a_manifest_of_other_objects_is_refused(manifest: Manifest) -> None:
    [entry] = manifest.tables["book"]
    tables = {"book": [replace(entry, key=entry.key.replace("toy-a", "toy-b"))]}
    with pytest.raises(TapeError, match="not its own"):
        check(replace(manifest, tables=tables), NAME)
    with pytest.raises(TapeError, match="not its own"):
        check(replace(manifest, tables={"trades": [entry]}), NAME)
    with pytest.raises(TapeError, match="not its own"):
        check(replace(manifest, tables={"book": [entry, entry]}), NAME)


def test_a_manifest_names_no_object_outside_of_the_tape(manifest: Manifest) -> None:
    [entry] = manifest.tables["book"]
    for table in ("../../etc", "book/..", "", "candles"):
        other = replace(entry, key=entry.key.replace("tape/book/", f"tape/{table}/"))
        tables = {"book": [entry], table: [replace(other, events=0)]}
        with pytest.raises(TapeError, match="is no object of a tape"):
            check(replace(manifest, tables=tables), NAME)


def test_a_manifest_without_all_its_events_is_refused(manifest: Manifest) -> None:
    tables = {"book": [replace(manifest.tables["book"][0], events=9)]}
    with pytest.raises(TapeError, match="has 9 events"):
        check(replace(manifest, tables=tables), NAME)


def test_a_manifest_without_a_segment_is_refused(manifest: Manifest) -> None:
    with pytest.raises(TapeError, match="no segment"):
        check(replace(manifest, tables={}), NAME)
