from typing import Any

import msgspec
import pytest

from booktape.certificate import (
    CERTIFICATE_VERSION,
    Certificate,
    CertifiedManifest,
    DailyEntry,
    TableRows,
    certificate_key,
    daily_key,
    decode_certificate,
    encode_certificate,
    revision_of,
)
from booktape.errors import TapeError

SESSION = "20261122T091500.123456Z-bitvavo-a"
PLACE = "bitvavo", "2026-11-22"
KEY = certificate_key(*PLACE, 0)


def make_certificate(**changes: Any) -> Certificate:
    entry = DailyEntry(
        key=daily_key("trades", *PLACE, 0),
        rows=3,
        bytes=100,
        sha256="a" * 64,
        footer_bytes=20,
        footer_crc32c=7,
        events=3,
        ts_recv_min=1,
        ts_recv_max=2,
        table="trades",
        revision=0,
        content_sha256="b" * 64,
    )
    tables = {"trades": TableRows(3, 3, 1, 2)}
    certificate = Certificate(
        version=CERTIFICATE_VERSION,
        exchange="bitvavo",
        date="2026-11-22",
        revision=0,
        release="0.1.0",
        pyarrow="26",
        condition="available",
        journal_holes=0,
        manifests=[CertifiedManifest(SESSION, 0, 2, 2, "c" * 64, 0, tables)],
        files=[entry],
    )
    return msgspec.structs.replace(certificate, **changes)


def test_keys_lie_beside_each_other() -> None:
    place = "exchange=bitvavo/date=2026-11-22"
    assert f"daily/book/{place}/rev=1/book.parquet" == daily_key("book", *PLACE, 1)
    assert f"daily/certificates/{place}/rev=1.json" == certificate_key(*PLACE, 1)
    assert 12 == revision_of(certificate_key(*PLACE, 12))


@pytest.mark.parametrize("stem", ["rev=01.json", "rev=-1.json", "rev=\u0661.json", "other.json"])
def test_another_name_is_no_revision(stem: str) -> None:
    with pytest.raises(TapeError, match="is no certificate of a tape"):
        revision_of(f"daily/certificates/exchange=bitvavo/date=2026-11-22/{stem}")


def test_what_is_encoded_is_decoded() -> None:
    certificate = make_certificate()
    assert certificate == decode_certificate(encode_certificate(certificate), KEY)


def test_the_file_of_a_revision_is_found() -> None:
    certificate = make_certificate()
    assert certificate.files[0] is certificate.file("trades", 0)
    for place in (("trades", 1), ("book", 0)):
        with pytest.raises(TapeError, match="no file of"):
            certificate.file(*place)


def replace_file(**changes: Any) -> dict[str, Any]:
    return {"files": [msgspec.structs.replace(make_certificate().files[0], **changes)]}


def replace_manifest(**changes: Any) -> dict[str, Any]:
    return {"manifests": [msgspec.structs.replace(make_certificate().manifests[0], **changes)]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "version 2 is unknown"),
        ({"date": "2026-11-23"}, "of another day than its key"),
        ({"revision": 1}, "of another day than its key"),
        (replace_file(key="tape/trades/x"), "is no file of its day"),
        (replace_file(revision=1), "is no file of its day"),
        (replace_file(footer_bytes=None), "does not know the footer"),
        (replace_file(rows=4), "other rows than its manifests"),
        (replace_file(events=2), "other rows than its manifests"),
        (replace_manifest(session="20261122T091500.123456Z-btcturk-a"), "none of its day"),
        (replace_manifest(first=3), "none of its day"),
        ({"files": []}, "other rows than its manifests"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    data = encode_certificate(make_certificate(**changes))
    with pytest.raises(TapeError, match=reason):
        decode_certificate(data, KEY)


def test_what_is_none_is_refused() -> None:
    for data in (b"", b"[]", b"{}", b"\xff", b"[" * 10_000):
        with pytest.raises(TapeError, match="not a certificate"):
            decode_certificate(data, KEY)
