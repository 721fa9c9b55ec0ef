"""Objects, sorted into what each is."""

from pathlib import Path

from booktape.proof.listing import list_objects
from tests.support.tapes import DATE, SESSION, Recording, Tape, record_minute


def test_objects_are_what_their_keys_say(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    recording = Recording()
    whole = tape.write(record_minute(recording))
    orphan = tape.write(record_minute(recording, begins=False))
    (tmp_path / orphan.text).unlink()
    (tmp_path / "tape" / "notes.txt").write_text("somebody else's")
    listing = list_objects(tape.store, None)
    assert {SESSION: [whole]} == listing.manifests
    assert {(orphan.first, orphan.last)} == {
        (key.first, key.last) for key in listing.orphans[SESSION]
    }
    assert ["tape/notes.txt"] == listing.foreign
    assert set(listing.segments) > {key.text for key in listing.orphans[SESSION]}


def test_of_other_dates_only_the_manifests_are_listed(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    key = tape.write(record_minute(Recording()))
    listing = list_objects(tape.store, "1999-12-31")
    assert ({SESSION: [key]}, {}, {}) == (listing.manifests, listing.segments, listing.orphans)
    assert not listing.is_read(key)
    assert list_objects(tape.store, DATE).is_read(key)
