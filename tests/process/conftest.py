from collections.abc import Iterator

import pytest

from tests.s3_server import S3Server


@pytest.fixture(scope="session", params=["http", "https"])
def s3_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp(request.param)
    server = S3Server(folder, is_https=request.param == "https")
    yield server
    server.kill()
