"""Which symbols of a large flush are written together."""

from collections import Counter

import msgspec
import pytest

from services.buffer_writer import stretches
from services.buffer_writer.stretches import WHOLE, Stretch, find_stretches
from shared.delivery.frame import Frame
from shared.event import Snapshot
from tests.support.tapes import Recording

SYMBOLS = [f"{letter}-EUR" for letter in "ABCDEFGH"]


def make_frames(counts: dict[str, int]) -> list[Frame]:
    """Return a frame for each symbol, whose book has so many levels a side."""
    recording = Recording()
    frames = []
    for symbol, count in counts.items():
        levels = [(1.0 + number, 1.0) for number in range(count)]
        recording.add(symbol, Snapshot(symbol, levels, levels, 1, None))
        frames.append(recording.take())
    return frames


def weigh(found: list[Stretch], counts: dict[str, int]) -> list[int]:
    """Return how many rows each stretch has; each symbol is in exactly one."""
    weights = Counter[Stretch]()
    for symbol, count in counts.items():
        (stretch,) = (stretch for stretch in found if stretch.has(symbol))
        weights[stretch] += 2 * count
    return [weights[stretch] for stretch in found]


def test_a_small_flush_is_one_stretch() -> None:
    assert [WHOLE] == find_stretches(make_frames(dict.fromkeys(SYMBOLS, 10)))


def test_stretches_have_about_as_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 40)
    counts = dict.fromkeys(SYMBOLS[::-1], 10)
    assert [40, 40, 40, 40] == weigh(find_stretches(make_frames(counts)), counts)


def test_a_symbol_is_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 40)
    counts = {"A-EUR": 1, "B-EUR": 100, "C-EUR": 1}
    assert 204 == sum(weigh(find_stretches(make_frames(counts)), counts))


def test_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 40)
    monkeypatch.setattr(stretches, "SAMPLE_FRAMES", 4)
    counts = dict.fromkeys(SYMBOLS, 10)
    found = find_stretches(make_frames(counts))
    assert 160 == sum(weigh(found, counts))  # those that were not seen have a stretch too
    assert 4 == len(found)


@pytest.mark.parametrize("events", [b"", b"\x00", b"\xc1"])
def test_a_damaged_frame_is_for_others_to_report(
    monkeypatch: pytest.MonkeyPatch, events: bytes
) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 40)
    counts = dict.fromkeys(SYMBOLS, 10)
    frames = make_frames(counts)
    frames[0] = msgspec.structs.replace(frames[0], events=msgspec.Raw(events))
    assert 160 == sum(weigh(find_stretches(frames), counts))
