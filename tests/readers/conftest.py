from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import make_sample
from tests.support.s3_server import BUCKET, S3Server


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def bucket(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Put the sample into a bucket on loopback; return the environment in which boto3 finds it."""
    folder = tmp_path_factory.mktemp("bucket")
    server = S3Server(folder, is_https=False)
    client = server.client()
    for path in sample.rglob("*.*"):
        key = f"{sample.name}/{path.relative_to(sample)}"
        client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    yield {
        **server.credentials.environment(),
        "AWS_ENDPOINT_URL": server.url,
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    server.kill()
