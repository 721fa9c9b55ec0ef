import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3.radosgw import Radosgw
from tests.s3.swift import Swift
from tests.support.s3_server import S3, S3Server

# `make test-s3` names others: servers that are no imitation of Amazon's.
SERVERS = os.environ.get("BOOKTAPE_TEST_S3_SERVERS", "http,https").split(",")


@pytest.fixture(scope="session", params=SERVERS)
def any_s3(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3]:
    folder = tmp_path_factory.mktemp(request.param)
    server = start(request.param, folder)
    yield server
    server.kill()


@pytest.fixture
def s3_server(any_s3: S3) -> S3Server:
    """Return MiniStack, which can be killed and started again."""
    if not isinstance(any_s3, S3Server):
        pytest.skip("is about MiniStack")
    return any_s3


def start(name: str, folder: Path) -> S3:
    match name:
        case "radosgw":
            return Radosgw(folder)
        case "swift":
            return Swift(folder)
        case _:
            return S3Server(folder, is_https=name == "https")
