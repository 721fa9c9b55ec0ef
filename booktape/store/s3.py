"""Speaks to a bucket of any S3-compatible service; the only door to boto3."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from booktape.errors import AlreadyStored, StoreError
from booktape.store.protocol import ObjectInfo
from booktape.store.s3_faults import NotS3, explain
from booktape.store.storage import Storage

MULTIPART_BYTES_MIN = 64 << 20  # up to this size use one request, which stores all or nothing
PART_BYTES = 16 << 20
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
ATTEMPTS_MAX = 2  # of one request; the uploader tries for ever
SHA256 = "sha256"  # in an object's metadata, in hexadecimal

_ABSENT = {"404", "NoSuchKey"}
# The type for a browser that opens the object.
_PAGE = {"ContentType": "text/html; charset=utf-8"}

# boto3 makes its classes at run time.
Client = Any
Answer = dict[str, Any]


def connect(storage: Storage) -> Client:
    """Return a client with the credentials that boto3 finds now."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS_MAX},
        tcp_keepalive=True,
        # We send our own SHA-256 in a header. Over https boto3 would add another checksum as a
        # trailer, which some servers refuse and others store as data.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # A bucket in the host name needs a DNS that most other services lack.
        s3={"addressing_style": "path"} if storage.endpoint_url else None,
    )
    return boto3.session.Session().client(
        "s3",
        region_name=storage.region or None,
        endpoint_url=storage.endpoint_url or None,
        config=config,
    )


class S3Store:
    """A bucket; it calls `connect` at the first use, and again after refused credentials."""

    def __init__(self, bucket: str, prefix: str, *, connect: Callable[[], Client]) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._connect = connect
        self._client: Client = None
        self._is_proven = False  # this server has kept an object that it accepted

    def put(self, path: Path, key: str) -> None:
        """Send the file, if absent, with its SHA-256, which the service compares."""
        size = path.stat().st_size
        with path.open("rb") as file, self._explained("put", key) as client:
            send = _put_parts if size > MULTIPART_BYTES_MIN else _put_whole
            digest = hashlib.file_digest(file, hashlib.sha256)
            file.seek(0)
            place = self._place(key) | (_PAGE if key.endswith(".html") else {})
            try:
                answer = send(client, file, place, digest.digest())
            except ClientError as error:
                if _code(error) in {"PreconditionFailed", "412"}:
                    raise AlreadyStored(key) from None
                raise
            is_told = answer.get("ChecksumSHA256") == _encode(digest.digest())
            if not (self._is_proven and is_told):
                self._prove(client, key, ObjectInfo(key, size, digest.hexdigest()))

    def _prove(self, client: Client, key: str, sent: ObjectInfo) -> None:
        """Check that the store has the object: any server may answer a put with 200."""
        try:
            found = _read_head(key, client.head_object(**self._place(key)))
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise NotS3 from None
            raise
        if found != sent:
            raise NotS3
        self._is_proven = True

    def head(self, key: str) -> ObjectInfo | None:
        """Return size and checksum."""
        with self._explained("look at", key) as client:
            try:
                answer = client.head_object(**self._place(key))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            return _read_head(key, answer)

    def get(self, key: str) -> bytes:
        """Return the object's body."""
        with self._explained("get", key) as client:
            body: bytes = client.get_object(**self._place(key))["Body"].read()
            return body

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Return some of the object's bytes."""
        if not length:
            return b""
        wanted = f"bytes={first}-{first + length - 1}"
        with self._explained("get", key) as client:
            try:
                answer = client.get_object(**self._place(key), Range=wanted)
            except ClientError as error:
                if _code(error) in {"InvalidRange", "416"}:  # the object ends before the range
                    return b""
                raise
            body: bytes = answer["Body"].read()
            return body

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the part of each key between the prefix and the next slash."""
        names = []
        with self._explained("list", prefix) as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix, Delimiter="/"
            )
            for page in pages:
                for found in page.get("CommonPrefixes", ()):
                    name = found["Prefix"].removeprefix(self._prefix + prefix)
                    names.append(name.removesuffix("/"))
        return sorted(names)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects below the prefix, a page at a time."""
        with self._explained("list", prefix) as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                if not page.get("Name"):  # no bucket's name: this is no listing of S3
                    raise NotS3
                for found in page.get("Contents", ()):
                    yield ObjectInfo(found["Key"].removeprefix(self._prefix), found["Size"])

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[Client]:
        try:
            client = self._client = self._client or self._connect()
            yield client
        # A ValueError means an invalid address of the endpoint.
        except (ClientError, BotoCoreError, ResponseParserError, ValueError, NotS3) as error:
            fault = explain(error)
            if fault.is_about_credentials:
                self._client = None  # a new client looks for credentials again
            where = f"s3://{self._bucket}/{self._prefix}{key}"
            raise StoreError(
                action, where=where, reason=fault.reason, remedy=fault.remedy
            ) from error


def _put_whole(
    client: Client, file: BufferedReader, place: dict[str, str], digest: bytes
) -> Answer:
    answer: Answer = client.put_object(
        **place,
        Body=file,
        IfNoneMatch="*",
        ChecksumSHA256=_encode(digest),
        Metadata={SHA256: digest.hex()},
    )
    _require(answer, "ETag")
    return answer


def _put_parts(
    client: Client, file: BufferedReader, place: dict[str, str], digest: bytes
) -> Answer:
    upload = client.create_multipart_upload(
        **place, ChecksumAlgorithm="SHA256", Metadata={SHA256: digest.hex()}
    )
    upload_id = {"UploadId": _require(upload, "UploadId")}
    try:
        parts: list[dict[str, object]] = []
        while body := file.read(PART_BYTES):
            checksum = _encode(hashlib.sha256(body).digest())
            number = len(parts) + 1
            part = client.upload_part(
                **place, **upload_id, PartNumber=number, Body=body, ChecksumSHA256=checksum
            )
            etag = _require(part, "ETag")
            parts.append({"PartNumber": number, "ETag": etag, "ChecksumSHA256": checksum})
        answer: Answer = client.complete_multipart_upload(
            **place, **upload_id, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
        )
    except BaseException:
        # Otherwise the service would keep the sent parts, hidden, and charge for them.
        with suppress(ClientError, BotoCoreError):
            client.abort_multipart_upload(**place, **upload_id)
        raise
    return answer


def _read_head(key: str, answer: Answer) -> ObjectInfo:
    _require(answer, "ETag")
    return ObjectInfo(key, answer["ContentLength"], answer.get("Metadata", {}).get(SHA256))


def _require(answer: Answer, name: str) -> Any:
    """Return a header that every answer of an S3 store has."""
    if not answer.get(name):
        raise NotS3
    return answer[name]


def _encode(digest: bytes) -> str:
    return b64encode(digest).decode()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
