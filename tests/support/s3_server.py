"""S3 servers on loopback that know their users; the one of every run is MiniStack."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from msgspec import Struct
from typing_extensions import override

BUCKET = "tape"
REGION = "eu-central-1"
START_S_MAX = 30.0
# Of the root user the server never checks the secret, so the tests are another user.
ROOT_KEY = "AKIATESTROOT00000001"
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'

# What a server does otherwise than Amazon's; each is asserted by a test of the store.
NOT_ATOMIC = "of several at once more than one may win"
NO_SHA256 = "a SHA-256 that is sent along is not looked at"
PARTS_UNCONDITIONAL = "If-None-Match is not looked at where an object comes in parts"
KEYS_LIKE_SECRETS = "an unknown key is refused in the words for a wrong secret"
OWN_BUCKETS_ONLY = "there are no buckets of others that one could be kept out of"


class Credentials(Struct, frozen=True):
    key_id: str
    secret: str

    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.secret}


class S3:
    """A server with one bucket, and how the tests reach it.

    `lacks` names what it does otherwise than Amazon's, each of which a test asserts.
    """

    lacks: frozenset[str] = frozenset()

    def __init__(self, folder: Path, *, is_https: bool) -> None:
        self.certificate = make_certificate(folder) if is_https else None
        self.port = free_port()
        self.url = f"{'https' if is_https else 'http'}://127.0.0.1:{self.port}"
        self.credentials_file = folder / "credentials"
        self.credentials: Credentials
        self._folder = folder

    def reach(self, folder: Path) -> dict[str, str]:
        """Return the environment in which boto3 reaches this server, and no file of its user."""
        return {
            **self.credentials.environment(),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **({"AWS_CA_BUNDLE": str(self.certificate)} if self.certificate else {}),
        }

    def kill(self) -> None:
        raise NotImplementedError

    def make_forbidden(self, name: str) -> None:
        """Make a bucket in which the tests' user may do nothing."""
        raise NotImplementedError

    def make_bucket(self, name: str = BUCKET) -> None:
        self.client().create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def take(self, credentials: Credentials) -> None:
        """Let the tests be this user."""
        self.credentials = credentials
        self.credentials_file.write_text(
            f"[default]\naws_access_key_id = {credentials.key_id}\n"
            f"aws_secret_access_key = {credentials.secret}\n"
        )

    def client(
        self, credentials: Credentials | None = None, service: str = "s3", region: str = REGION
    ) -> Any:
        given = credentials or self.credentials
        session: Any = boto3.session.Session()
        return session.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=given.key_id,
            aws_secret_access_key=given.secret,
            verify=str(self.certificate) if self.certificate else None,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def download(self, prefix: str, folder: Path) -> None:
        """Copy every object below the prefix into a folder."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        for page in pages:
            for found in page.get("Contents", ()):
                target = folder / found["Key"].removeprefix(f"{prefix}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                body = client.get_object(Bucket=BUCKET, Key=found["Key"])["Body"]
                target.write_bytes(body.read())


class S3Server(S3):
    """MiniStack; it has its objects again after `kill` and `start`, and another user."""

    def __init__(self, folder: Path, *, is_https: bool) -> None:
        super().__init__(folder, is_https=is_https)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        self.make_bucket()

    def start(self) -> None:
        environment = {
            **os.environ,
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": "unchecked",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._folder / "objects"),
        }
        if self.certificate:
            environment |= {
                "USE_SSL": "1",
                "MINISTACK_SSL_CERT": str(self.certificate),
                "MINISTACK_SSL_KEY": str(self.certificate.with_suffix(".key")),
            }
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("ministack"))],
                env=environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self._wait()
        self.take(self._make_user())

    @override
    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @override
    @override
    def make_forbidden(self, name: str) -> None:
        self.make_bucket(name)
        policy = POLICY.replace("Allow", "Deny").replace('"*"}', f'"arn:aws:s3:::{name}*"}}')
        iam = self.client(Credentials(ROOT_KEY, "unchecked"), "iam")
        iam.put_user_policy(UserName="tester", PolicyName="deny", PolicyDocument=policy)

    def _make_user(self) -> Credentials:
        iam = self.client(Credentials(ROOT_KEY, "unchecked"), "iam")
        iam.create_user(UserName="tester")
        iam.put_user_policy(UserName="tester", PolicyName="all", PolicyDocument=POLICY)
        key = iam.create_access_key(UserName="tester")["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def _wait(self) -> None:
        assert self._process is not None
        end_s = time.monotonic() + START_S_MAX
        while time.monotonic() < end_s:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self._folder / "log").read_text())


def make_certificate(folder: Path) -> Path:
    path = folder / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", path.with_suffix(".key"), "-out", path),
        ],
        check=True,
        capture_output=True,
    )
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
