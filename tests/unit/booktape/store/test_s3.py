"""What no server of ours does; the rest is in tests/process/test_store_s3.py."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

import booktape.store.s3
from booktape.errors import AlreadyStored, StoreError
from booktape.store.s3 import S3Store, connect
from booktape.store.storage import Storage


class Client:
    """Does what it is told to, and remembers what it was asked."""

    def __init__(self, **errors: Exception) -> None:
        self.calls: list[str] = []
        self.arguments: dict[str, Any] = {}
        self._errors = errors

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> dict[str, str]:
            self.calls.append(name)
            self.arguments = arguments
            if name in self._errors:
                raise self._errors[name]
            return {"UploadId": "u", "ETag": "e"}

        return call


def refusal(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segment"
    path.write_bytes(b"data")
    return path


def make_store(*clients: Client) -> S3Store:
    left = list(clients)
    return S3Store("bucket", "a", connect=lambda: left.pop(0))


def test_a_put_is_only_if_absent_and_with_a_checksum(path: Path) -> None:
    client = Client()
    make_store(client).put(path, "x")
    del client.arguments["Body"]
    digest = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
    assert client.arguments == {
        "Bucket": "bucket",
        "Key": "a/x",
        "IfNoneMatch": "*",
        "ChecksumSHA256": "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc=",
        "Metadata": {"sha256": digest},
    }


def test_an_object_that_is_there_is_told_by_code_or_status(path: Path) -> None:
    for code in ("PreconditionFailed", "412"):
        with pytest.raises(AlreadyStored):
            make_store(Client(put_object=refusal(code, 412))).put(path, "x")


def test_two_puts_at_once_are_tried_again(path: Path) -> None:
    busy = refusal("ConditionalRequestConflict", 409)
    with pytest.raises(StoreError, match="somebody else is writing the same object"):
        make_store(Client(put_object=busy)).put(path, "x")


def test_an_upload_in_parts_that_cannot_even_be_aborted_names_the_first_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", 0)
    client = Client(
        upload_part=refusal("SlowDown", 503),
        abort_multipart_upload=ConnectTimeoutError(endpoint_url="http://127.0.0.1:1"),
    )
    with pytest.raises(StoreError, match="the store asks to slow down"):
        make_store(client).put(path, "x")
    expected = ["create_multipart_upload", "upload_part", "abort_multipart_upload"]
    assert expected == client.calls


def test_a_client_is_kept_unless_its_credentials_are_at_fault(path: Path) -> None:
    slow = Client(put_object=refusal("SlowDown", 503))
    expired = Client(put_object=refusal("ExpiredToken", 400))
    good = Client()
    store = make_store(slow)
    for _ in range(2):
        with pytest.raises(StoreError):
            store.put(path, "x")
    store = make_store(expired, good)
    with pytest.raises(StoreError, match="renew them"):
        store.put(path, "x")
    store.put(path, "x")
    assert ["put_object"] == good.calls


def test_an_endpoint_that_is_no_address_is_explained(path: Path) -> None:
    storage = Storage("s3://bucket", "eu-central-1", "http://not an address")
    store = S3Store("bucket", "", connect=lambda: connect(storage))
    with pytest.raises(StoreError, match=r"correct .storage. url and endpoint_url"):
        store.put(path, "x")


def test_a_service_of_somebody_else_gets_the_bucket_in_the_path() -> None:
    assert connect(Storage("s3://b", "r", "http://127.0.0.1:1")).meta.config.s3 == {
        "addressing_style": "path"
    }
    assert connect(Storage("s3://b", "r")).meta.config.s3 is None


def test_every_wait_of_a_client_is_bounded() -> None:
    config = connect(Storage("s3://b", "r")).meta.config
    assert (5.0, 30.0) == (config.connect_timeout, config.read_timeout)
    assert 2 == config.retries["total_max_attempts"]
