"""The store against a server that checks signatures, checksums and conditions."""

import hashlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

import booktape.store.s3
from booktape.errors import AlreadyStored, StoreError
from booktape.store.opening import open_store
from booktape.store.protocol import ObjectInfo, Store
from booktape.store.storage import Storage
from tests.support.s3_server import (
    BUCKET,
    KEYS_LIKE_SECRETS,
    NO_SHA256,
    NOT_ATOMIC,
    OWN_BUCKETS_ONLY,
    PARTS_UNCONDITIONAL,
    REGION,
    S3,
    free_port,
)

pytestmark = pytest.mark.s3

DATA = b"PAR1" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def environment(any_s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name, value in any_s3.credentials.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if any_s3.certificate:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(any_s3.certificate))
    return monkeypatch


def make_store(server: S3, prefix: str, *, bucket: str = BUCKET, url: str = "") -> Store:
    return open_store(Storage(f"s3://{bucket}/{prefix}", REGION, url or server.url))


@pytest.fixture
def store(any_s3: S3, tmp_path: Path) -> Store:
    return make_store(any_s3, tmp_path.name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segment.parquet"
    path.write_bytes(DATA)
    return path


def test_what_was_put_can_be_had(store: Store, path: Path) -> None:
    store.put(path, "tape/a=b/x.parquet")
    assert DATA == store.get("tape/a=b/x.parquet")
    assert ObjectInfo("tape/a=b/x.parquet", len(DATA), DIGEST) == store.head("tape/a=b/x.parquet")


def test_an_empty_file_is_an_object_too(store: Store, path: Path) -> None:
    path.write_bytes(b"")
    store.put(path, "empty")
    assert b"" == store.get("empty")


def test_what_is_there_is_never_replaced(store: Store, path: Path) -> None:
    store.put(path, "x")
    path.write_bytes(b"other")
    with pytest.raises(AlreadyStored):
        store.put(path, "x")
    assert DATA == store.get("x")


def test_of_many_at_once_one_wins(any_s3: S3, tmp_path: Path) -> None:
    barrier = Barrier(8)

    def put(number: int) -> int:
        path = tmp_path / f"{number}"
        path.write_bytes(b"%d" % number)
        store = make_store(any_s3, tmp_path.name)
        barrier.wait()
        try:
            store.put(path, "x")
        except AlreadyStored:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        winners = sum(pool.map(put, range(8)))
    if NOT_ATOMIC in any_s3.lacks:
        assert winners >= 1
    else:
        assert 1 == winners


def test_what_is_not_there_has_no_head_and_no_body(store: Store) -> None:
    assert store.head("nothing") is None
    with pytest.raises(StoreError, match="there is no such object"):
        store.get("nothing")


def test_a_list_is_complete_sorted_and_below_the_prefix(store: Store, path: Path) -> None:
    names = [f"ledger/{number:04}" for number in range(5)]
    for name in [*reversed(names), "ledges/a", "tape/a"]:
        store.put(path, name)
    assert [ObjectInfo(name, len(DATA)) for name in names] == list(store.list("ledger/"))
    assert [] == list(store.list("nothing/"))


def test_a_list_goes_on_behind_its_first_page(
    store: Store, path: Path, environment: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        store.put(path, f"{number}")
    client = store._client  # type: ignore[attr-defined]
    pages = client.get_paginator("list_objects_v2")
    environment.setattr(client, "get_paginator", lambda _: Paged(pages))
    assert ["0", "1", "2", "3", "4"] == [info.key for info in store.list("")]


class Paged:
    def __init__(self, pages: object) -> None:
        self._pages = pages

    def paginate(self, **arguments: object) -> object:
        return self._pages.paginate(**arguments, PaginationConfig={"PageSize": 2})  # type: ignore[attr-defined]


def test_the_server_refuses_what_the_network_damaged(
    any_s3: S3, store: Store, path: Path, environment: pytest.MonkeyPatch
) -> None:
    wrong = b64encode(hashlib.sha256(b"other").digest()).decode()
    environment.setattr(booktape.store.s3, "b64encode", lambda _: wrong.encode())
    if NO_SHA256 in any_s3.lacks:
        store.put(path, "x")
        assert store.head("x") is not None
        return
    with pytest.raises(StoreError, match=r"damaged|BadDigest|checksum"):
        store.put(path, "x")
    assert store.head("x") is None


def test_a_large_file_goes_in_parts(
    any_s3: S3, store: Store, path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", 6 << 20)
    environment.setattr(booktape.store.s3, "PART_BYTES", 5 << 20)
    data = bytes(range(256)) * (12 << 12)
    path.write_bytes(data)
    store.put(path, "large")
    assert data == store.get("large")
    expected = ObjectInfo("large", len(data), hashlib.sha256(data).hexdigest())
    assert expected == store.head("large")
    if PARTS_UNCONDITIONAL in any_s3.lacks:
        store.put(path, "large")
        return
    with pytest.raises(AlreadyStored):
        store.put(path, "large")


def test_parts_of_a_failed_put_are_not_kept(
    any_s3: S3, store: Store, path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", 0)
    wrong = b64encode(hashlib.sha256(b"other").digest())
    environment.setattr(booktape.store.s3, "b64encode", lambda _: wrong)
    if NO_SHA256 in any_s3.lacks:
        store.put(path, "large")
    else:
        with pytest.raises(StoreError):
            store.put(path, "large")
    assert not any_s3.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_a_missing_bucket_is_named(any_s3: S3, path: Path) -> None:
    store = make_store(any_s3, "p", bucket="not-there")
    with pytest.raises(StoreError) as caught:
        store.put(path, "x")
    assert "s3://not-there/p/x" == caught.value.where
    assert "put" == caught.value.action
    assert "there is no such bucket (NoSuchBucket)" == caught.value.reason
    assert "create it or correct [storage] url" == caught.value.remedy


def test_wrong_credentials_are_explained_and_read_again(
    any_s3: S3, path: Path, environment: pytest.MonkeyPatch
) -> None:
    store = make_store(any_s3, path.parent.name)
    environment.setenv("AWS_SECRET_ACCESS_KEY", "hushhush")
    with pytest.raises(StoreError, match="the secret key does not belong") as caught:
        store.put(path, "x")
    assert "hushhush" not in str(caught.value)
    environment.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN000000000")
    said = "does not know the access key"
    if KEYS_LIKE_SECRETS in any_s3.lacks:
        said = "the secret key does not belong"
    with pytest.raises(StoreError, match=said):
        store.put(path, "x")
    for name, value in any_s3.credentials.environment().items():
        environment.setenv(name, value)
    store.put(path, "x")
    assert DATA == store.get("x")


def test_credentials_that_come_later_are_found(
    any_s3: S3, path: Path, environment: pytest.MonkeyPatch
) -> None:
    store = make_store(any_s3, path.parent.name)
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match="there are no usable credentials"):
        store.put(path, "x")
    given = any_s3.credentials
    (path.parent / "credentials").write_text(
        f"[default]\naws_access_key_id={given.key_id}\naws_secret_access_key={given.secret}\n"
    )
    store.put(path, "x")


def test_no_permission_is_explained(any_s3: S3, path: Path) -> None:
    if OWN_BUCKETS_ONLY in any_s3.lacks:
        pytest.skip("a user sees no bucket but its own")
    any_s3.make_forbidden("forbidden")
    store = make_store(any_s3, "", bucket="forbidden")
    for ask in (lambda: store.put(path, "x"), lambda: store.head("x"), lambda: store.get("x")):
        with pytest.raises(
            StoreError, match=r"access denied.*allow these credentials s3:PutObject"
        ):
            ask()


def test_a_server_that_is_not_there_is_explained(any_s3: S3, path: Path) -> None:
    store = make_store(any_s3, "", url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreError, match=r"the store cannot be reached.*it may go better later"):
        store.put(path, "x")


def test_a_certificate_that_nobody_signed_is_explained(
    any_s3: S3, path: Path, environment: pytest.MonkeyPatch
) -> None:
    if not any_s3.certificate:
        pytest.skip("http has none")
    environment.delenv("AWS_CA_BUNDLE")
    with pytest.raises(StoreError, match="the certificate of the store is not trusted"):
        make_store(any_s3, "").put(path, "x")
