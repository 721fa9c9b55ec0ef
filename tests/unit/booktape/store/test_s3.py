"""What no server of ours does; the rest is in tests/process/test_store_s3.py."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from typing_extensions import override

import booktape.store.s3
from booktape.errors import AlreadyStored, StoreError
from booktape.store.s3 import S3Store, connect
from booktape.store.storage import Storage

DATA = b"data"
DIGEST = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
CHECKSUM = "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="
GOOD: dict[str, dict[str, Any]] = {
    "put_object": {"ETag": "e", "ChecksumSHA256": CHECKSUM},
    "head_object": {"ETag": "e", "ContentLength": 4, "Metadata": {"sha256": DIGEST}},
    "create_multipart_upload": {"UploadId": "u"},
    "upload_part": {"ETag": "e"},
    "complete_multipart_upload": {"ETag": ""},  # some say no more
    "abort_multipart_upload": {},
}


class Client:
    """Does what it is told to, and remembers what it was asked."""

    def __init__(self, *, answers: dict[str, Any] | None = None, **errors: Exception) -> None:
        self.answers = answers or {}
        self.calls: list[str] = []
        self.arguments: dict[str, Any] = {}
        self._errors = errors

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> dict[str, Any]:
            self.calls.append(name)
            if name != "head_object":
                self.arguments = arguments
            if name in self._errors:
                raise self._errors[name]
            return dict(self.answers[name]) if name in self.answers else GOOD[name]

        return call


def refusal(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segment"
    path.write_bytes(DATA)
    return path


def make_store(*clients: Client) -> S3Store:
    left = list(clients)
    return S3Store("bucket", "a", connect=lambda: left.pop(0))


def test_a_put_is_only_if_absent_and_with_a_checksum(path: Path) -> None:
    client = Client()
    make_store(client).put(path, "x")
    del client.arguments["Body"]
    assert client.arguments == {
        "Bucket": "bucket",
        "Key": "a/x",
        "IfNoneMatch": "*",
        "ChecksumSHA256": CHECKSUM,
        "Metadata": {"sha256": DIGEST},
    }


def test_a_page_is_put_as_one(path: Path) -> None:
    client = Client()
    make_store(client).put(path, "reports/x.html")
    assert "text/html; charset=utf-8" == client.arguments["ContentType"]


def test_an_object_that_is_there_is_told_by_code_or_status(path: Path) -> None:
    for code in ("PreconditionFailed", "412"):
        with pytest.raises(AlreadyStored):
            make_store(Client(put_object=refusal(code, 412))).put(path, "x")


def test_the_first_put_of_a_run_is_looked_at_and_the_next_as_far_as_it_tells_no_checksum(
    path: Path,
) -> None:
    client = Client()
    store = make_store(client)
    store.put(path, "x")
    store.put(path, "y")
    assert ["put_object", "head_object", "put_object"] == client.calls
    client.answers = {"put_object": {"ETag": "e"}}
    store.put(path, "z")
    assert ["put_object", "head_object"] == client.calls[3:]


NOT_S3 = "what answers there is no S3 store; correct .storage. endpoint_url"


@pytest.mark.parametrize(
    "answers",
    [
        {"put_object": {}},  # a page that says 200 to all that it is asked
        {"put_object": {"ETag": ""}},
        {"head_object": {"ContentLength": 4, "Metadata": {"sha256": DIGEST}}},
        {"head_object": {"ETag": "e", "ContentLength": 612, "Metadata": {}}},
        {"put_object": {"ETag": "e", "ChecksumSHA256": "other"}, "head_object": {"ETag": "e"}},
        {"create_multipart_upload": {}},
        {"upload_part": {}},
        {"complete_multipart_upload": {}, "head_object": {}},
    ],
)
def test_what_answers_200_is_not_yet_a_store(
    path: Path, answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not answers.keys() <= {"put_object", "head_object"}:
        monkeypatch.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", 0)
    answers.get("head_object", {}).setdefault("ContentLength", 4)
    with pytest.raises(StoreError, match=NOT_S3):
        make_store(Client(answers=answers)).put(path, "x")


def test_an_object_that_is_not_there_after_its_put_was_put_into_no_store(path: Path) -> None:
    with pytest.raises(StoreError, match=NOT_S3):
        make_store(Client(head_object=refusal("404", 404))).put(path, "x")
    with pytest.raises(StoreError, match="access denied"):
        make_store(Client(head_object=refusal("403", 403))).put(path, "x")


def test_an_object_of_many_parts_is_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", 0)
    client = Client()
    store = make_store(client)
    store.put(path, "x")
    store.put(path, "y")
    assert 2 == client.calls.count("head_object")


def test_a_list_that_does_not_name_its_bucket_is_none() -> None:
    class Pages:
        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            return [{}]

    store = S3Store("bucket", "", connect=lambda: SimpleNamespace(get_paginator=lambda _: Pages()))
    with pytest.raises(StoreError, match=NOT_S3):
        list(store.list("ledger/"))


class Page(BaseHTTPRequestHandler):
    """Signs nobody in, and says 200 to everything."""

    body = b"<!DOCTYPE html><html><body>Sign in<br></body></html>"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_PUT = do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815 (as the base class has them)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


class EmptyPage(Page):
    body = b""


@pytest.fixture(params=[Page, EmptyPage])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        Thread(target=server.serve_forever).start()
        storage = Storage("s3://bucket", "any-1", f"http://127.0.0.1:{server.server_port}")
        yield S3Store("bucket", "", connect=lambda: connect(storage))
        server.shutdown()


def test_a_page_that_says_200_to_everything_is_no_store(
    page: S3Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ask in (lambda: page.put(path, "x"), lambda: list(page.list("")), lambda: page.head("x")):
        with pytest.raises(StoreError, match="no S3 store"):
            ask()
    monkeypatch.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", 0)
    with pytest.raises(StoreError, match="no S3 store"):
        page.put(path, "x")


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
    assert ["put_object", "head_object"] == good.calls


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
