"""A bucket that refuses, hangs, loses answers and does late what it was asked to do."""

import io
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any, Final, NoReturn

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.fate import Fate, Violation

_ENDPOINT: Final = "http://bucket"


class Stored:
    """One object."""

    def __init__(self, data: bytes, metadata: dict[str, str]) -> None:
        self.data = data
        self.metadata = metadata


class Bucket:
    """What the code knows as a client of boto3; `trouble` is how likely each request fails."""

    def __init__(self, fate: Fate, random: Random) -> None:
        self.objects: dict[str, Stored] = {}
        self.trouble = 0.0
        self.is_down = False
        self._fate = fate
        self._random = random
        self._tells_checksums = random.random() < 0.5
        self.squatters: set[str] = set()  # keys under which somebody else has put something
        self._late: list[tuple[str, Stored, bool]] = []
        self._parts: dict[str, tuple[dict[str, str], list[bytes]]] = {}
        self._numbers = count()

    def do_late(self) -> None:
        """Do what was asked for by a request that had timed out."""
        for key, stored, is_conditional in self._late:
            if key not in self.objects or not is_conditional:
                self._store(key, stored)
        self._late.clear()

    def squat(self, key: str, data: bytes) -> None:
        """Have something else there before what shall be put."""
        if key not in self.objects:
            self.objects[key] = Stored(data, {})
            self.squatters.add(key)

    # --- requests ---

    def put_object(self, **request: Any) -> dict[str, str]:
        stored = Stored(request["Body"].read(), request["Metadata"])
        self._put(request, stored)
        told = {"ChecksumSHA256": request["ChecksumSHA256"]} if self._tells_checksums else {}
        return {"ETag": "etag", **told}

    def head_object(self, **request: Any) -> dict[str, Any]:
        self._meet()
        stored = self.objects.get(request["Key"])
        if stored is None:
            _refuse("404", 404)
        return {"ETag": "etag", "ContentLength": len(stored.data), "Metadata": stored.metadata}

    def get_object(self, **request: Any) -> dict[str, Any]:
        self._meet()
        return {"Body": io.BytesIO(self.objects[request["Key"]].data)}

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self._meet()
        keys = sorted(key for key in self.objects if key.startswith(request["Prefix"]))
        found = [{"Key": key, "Size": len(self.objects[key].data)} for key in keys]
        yield {"Name": request["Bucket"], "Contents": found}

    def create_multipart_upload(self, **request: Any) -> dict[str, str]:
        self._meet()
        upload_id = str(next(self._numbers))
        self._parts[upload_id] = request["Metadata"], []
        return {"UploadId": upload_id}

    def upload_part(self, **request: Any) -> dict[str, str]:
        self._meet()
        self._parts[request["UploadId"]][1].append(request["Body"])
        return {"ETag": "etag"}

    def complete_multipart_upload(self, **request: Any) -> dict[str, str]:
        metadata, parts = self._parts[request["UploadId"]]
        self._put(request, Stored(b"".join(parts), metadata))
        return {}

    def abort_multipart_upload(self, **request: Any) -> dict[str, str]:
        self._meet()
        self._parts.pop(request["UploadId"], None)
        return {}

    # --- how they end ---

    def _put(self, request: dict[str, Any], stored: Stored) -> None:
        key, is_conditional = request["Key"], request.get("IfNoneMatch") == "*"
        self._meet()
        if is_conditional and key in self.objects:
            _refuse("PreconditionFailed", 412)
        if self._fails() and self._random.random() < 0.5:
            self._late.append((key, stored, is_conditional))
            raise ReadTimeoutError(endpoint_url=_ENDPOINT)
        self._store(key, stored)
        self._fate.boundary()
        if self._fails():
            raise ReadTimeoutError(endpoint_url=_ENDPOINT)

    def _store(self, key: str, stored: Stored) -> None:
        if key in self.objects:
            raise Violation(f"{key} was put over what was there")
        self.objects[key] = stored

    def _meet(self) -> None:
        self._fate.boundary()
        if self.is_down:
            raise EndpointConnectionError(endpoint_url=_ENDPOINT)
        if not self._fails():
            return
        code, status = self._random.choice(_ANSWERS)
        if not status:
            raise ReadTimeoutError(endpoint_url=_ENDPOINT)
        _refuse(code, status)

    def _fails(self) -> bool:
        return self._random.random() < self.trouble


_ANSWERS: Final = (
    ("SlowDown", 503),
    ("InternalError", 500),
    ("ConditionalRequestConflict", 409),
    ("", 0),
)


def _refuse(code: str, status: int) -> NoReturn:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    raise ClientError(answer, "request")  # type: ignore[arg-type]
