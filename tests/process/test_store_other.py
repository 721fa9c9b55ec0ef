"""The store against another S3 than the one that the tests bring, where one is given."""

import hashlib
import os
import uuid
from pathlib import Path

import boto3
import pytest

import booktape.store.s3
from booktape.errors import AlreadyStored
from booktape.store.opening import open_store
from booktape.store.protocol import Store
from booktape.store.storage import Storage

URL = os.environ.get("BOOKTAPE_TEST_S3", "")
BUCKET, REGION = "booktape-other", "us-east-1"
DATA = b"PAR1" * 1000

pytestmark = [
    pytest.mark.s3,
    pytest.mark.skipif(not URL, reason="BOOKTAPE_TEST_S3 names no server; .ci/minio starts one"),
]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "booktape")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "booktape-of-a-test")
    client = boto3.session.Session().client("s3", endpoint_url=URL, region_name=REGION)
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    return open_store(Storage(f"s3://{BUCKET}/{uuid.uuid4().hex}", REGION, URL))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segment"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("bytes_min", [64 << 20, 100])
def test_an_object_is_put_once_and_can_be_had_and_listed(
    store: Store, path: Path, bytes_min: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", bytes_min)
    store.put(path, "ledger/x")
    path.write_bytes(b"other" * 1000)
    with pytest.raises(AlreadyStored):
        store.put(path, "ledger/x")
    assert DATA == store.get("ledger/x")
    assert ["ledger/x"] == [info.key for info in store.list("ledger/")]
    found = store.head("ledger/x")
    assert found is not None
    assert hashlib.sha256(DATA).hexdigest() == found.sha256
    assert store.head("ledger/y") is None
