"""Keeps a probe's recording: JSON lines, compressed by zstd."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from services.operator.probe.record import ProbeRecord

SUFFIX: Final = ".jsonl.zst"
READ_BYTES: Final = 1 << 16

_decoder = msgspec.json.Decoder(ProbeRecord)
_encoder = msgspec.json.Encoder()


class ProbeRecording:
    """Writes a file, one record at a time."""

    def __init__(self, path: Path) -> None:
        """Begin the file anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd")

    def append(self, record: ProbeRecord) -> None:
        """Write one record."""
        self._stream.write(_encoder.encode(record) + b"\n")

    def close(self) -> None:
        """End the file."""
        self._stream.close()


def read(path: Path) -> Iterator[ProbeRecord]:
    """Yield the records of a file, up to the point where it was cut off."""
    rest = b""
    with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream:
        while part := stream.read(READ_BYTES):
            *lines, rest = (rest + part).split(b"\n")
            yield from map(_decoder.decode, lines)
