import msgspec
import pytest

from booktape.errors import TapeError
from booktape.manifest import Manifest, TableEntry, decode_manifest, encode_manifest
from booktape.release import WRITER

SESSION = "20261122T091500.123456Z-bitvavo-a"
SEGMENT = (
    "tape/book/exchange=bitvavo/date=2026-11-22/"
    "20261122T091500.123456Z-bitvavo-a-000000000007-1234567890123.parquet"
)
ENTRY = TableEntry(
    key=SEGMENT,
    rows=3,
    bytes=4,
    sha256="ab",
    footer_bytes=10,
    footer_crc32c=11,
    events=2,
    ts_recv_min=5,
    ts_recv_max=6,
)
A_MANIFEST = Manifest(2, SESSION, "bitvavo", "a", 7, 8, {"book": [ENTRY]}, 9, WRITER)


def test_a_manifest_is_json_that_anybody_reads() -> None:
    assert {
        "version": 2,
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
                    "footer_bytes": 10,
                    "footer_crc32c": 11,
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
        ({"version": 3}, "version 3 is unknown"),
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


def first_version(**changes: int) -> Manifest:
    """Return what the first version said, which knew nothing of footers."""
    entry = msgspec.structs.replace(
        ENTRY, **{"footer_bytes": None, "footer_crc32c": None} | changes
    )
    return msgspec.structs.replace(A_MANIFEST, version=1, tables={"book": [entry]})


def test_a_manifest_of_the_first_version_is_still_read() -> None:
    old = first_version()
    assert b"footer" not in encode_manifest(old)
    assert old == decode_manifest(encode_manifest(old))


@pytest.mark.parametrize("field", ["footer_bytes", "footer_crc32c"])
def test_a_version_says_of_footers_what_it_must(field: str) -> None:
    with pytest.raises(TapeError, match=f"version 1 says the {field} of tape/book"):
        decode_manifest(encode_manifest(first_version(**{field: 1})))
    entry = msgspec.structs.replace(ENTRY, **{field: None})
    manifest = msgspec.structs.replace(A_MANIFEST, tables={"book": [entry]})
    with pytest.raises(TapeError, match=f"version 2 lacks the {field} of tape/book"):
        decode_manifest(encode_manifest(manifest))


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
