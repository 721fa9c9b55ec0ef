import tomllib
from pathlib import Path

import msgspec
import pytest

from booktape.errors import TapeError
from booktape.manifest import WRITER, Manifest, TableEntry, decode_manifest, encode_manifest

SESSION = "20261122T091500.123456Z-bitvavo-a"
SEGMENT = (
    "tape/book/exchange=bitvavo/date=2026-11-22/"
    "20261122T091500.123456Z-bitvavo-a-000000000007-1234567890123.parquet"
)
ENTRY = TableEntry(
    key=SEGMENT, rows=3, bytes=4, sha256="ab", events=2, ts_recv_min=5, ts_recv_max=6
)
A_MANIFEST = Manifest(1, SESSION, "bitvavo", "a", 7, 8, {"book": [ENTRY]}, 9, WRITER)


def test_a_manifest_is_json_that_anybody_reads() -> None:
    assert {
        "version": 1,
        "session": SESSION,
        "exchange": "bitvavo",
        "line": "a",
        "first": 7,
        "last": 8,
        "tables": {
            "book": [
                {
                    "key": SEGMENT,
                    "rows": 3,
                    "bytes": 4,
                    "sha256": "ab",
                    "events": 2,
                    "ts_recv_min": 5,
                    "ts_recv_max": 6,
                }
            ]
        },
        "written_at": 9,
        "writer": WRITER,
    } == msgspec.json.decode(encode_manifest(A_MANIFEST))
    assert A_MANIFEST == decode_manifest(encode_manifest(A_MANIFEST))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "version 2 is unknown"),
        ({"exchange": "btcturk"}, "names btcturk-a"),
        ({"line": "b"}, "names bitvavo-b"),
        ({"session": "x"}, "no session id"),
        ({"first": 9}, "range 9 to 8"),
        ({"first": -1}, "range -1 to 8"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    change: dict[str, object], reason: str
) -> None:
    with pytest.raises(TapeError, match=reason):
        decode_manifest(encode_manifest(msgspec.structs.replace(A_MANIFEST, **change)))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"[1]", b'{"version":1,"extra":2}', b"\xff"),
        *(b'{"version":1,"session":"\xff"}', b'{"tables":' * 100_000),
        encode_manifest(A_MANIFEST).replace(b'"bytes":', b'"bytes":-'),
        encode_manifest(A_MANIFEST).replace(b'"rows":', b'"rows":-'),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(TapeError, match="not a manifest"):
        decode_manifest(data)


def test_the_writer_is_this_release() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"booktape {project['version']}" == WRITER
