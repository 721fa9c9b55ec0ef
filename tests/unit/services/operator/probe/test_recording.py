from pathlib import Path

import pyarrow as pa
import pytest

from services.operator.probe.record import ProbeRecord
from services.operator.probe.recording import READ_BYTES, ProbeRecording, read

RECORDS = [ProbeRecord(ts=ts, door="a", kind="text", text=f"{ts} \u20ba") for ts in range(10_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "out" / "x.jsonl.zst"
    recording = ProbeRecording(path)
    for record in RECORDS:
        recording.append(record)
    recording.close()
    return path


def test_what_is_kept_can_be_read(path: Path) -> None:
    assert RECORDS == list(read(path))


def test_it_is_lines_of_json_and_small(path: Path) -> None:
    with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream:
        text = stream.read()
    assert len(text) > 4 * READ_BYTES
    assert b'{"ts":0,"door":"a","kind":"text","text":"0 \xe2\x82\xba"}' == text.split(b"\n")[0]
    assert path.stat().st_size < len(text) / 4


def test_nothing_is_kept_of_nothing(tmp_path: Path) -> None:
    ProbeRecording(tmp_path / "x").close()
    assert [] == list(read(tmp_path / "x"))
