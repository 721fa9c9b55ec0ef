"""A manifest and its segments, held against what is there."""

from pathlib import Path

import pytest

from booktape.proof.listing import list_objects
from booktape.proof.objects import read_manifest, read_segment
from booktape.proof.rows import Broken
from tests.support.tapes import Recording, Tape, record_minute


def test_what_is_there_as_it_was_written_is_returned(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    key = tape.write(record_minute(Recording()))
    listing = list_objects(tape.store, None)
    manifest = read_manifest(tape.store, listing, key)
    assert tape.manifest(key) == manifest
    for [entry] in manifest.tables.values():
        data = read_segment(tape.store, listing, key, entry)
        assert (tmp_path / entry.key).read_bytes() == data


def test_a_segment_that_is_lost_or_damaged_is_named(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    key = tape.write(record_minute(Recording()))
    [entry] = tape.manifest(key).tables["book"]
    path = tmp_path / entry.key
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Broken, match="is not what its checksum says"):
        read_segment(tape.store, list_objects(tape.store, None), key, entry)
    path.write_bytes(data[:-1])
    with pytest.raises(Broken, match=f"has {len(data) - 1} bytes, its manifest says {len(data)}"):
        read_segment(tape.store, list_objects(tape.store, None), key, entry)
    path.unlink()
    with pytest.raises(Broken, match="is lost"):
        read_manifest(tape.store, list_objects(tape.store, None), key)
