"""A day in a bucket is certified as one in a folder is, and read and proven from there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import booktape
from tests.support.certified import certify_all, list_files
from tests.support.s3_server import BUCKET, REGION, S3
from tests.support.tape_maker import make_tape

pytestmark = pytest.mark.s3

TAPE = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x2 | 101x1
2    BTC-EUR trade t1 buy 101x0.5 event=1.9
flush
3    BTC-EUR delta 99x3 |
4    -       session_end stopped
"""
COMMAND = "import sys; from booktape.commands.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(autouse=True)
def _environment(any_s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in any_s3.reach(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", any_s3.url)
    monkeypatch.setenv("AWS_REGION", REGION)


def upload(server: S3, root: Path, prefix: str) -> None:
    for path in root.rglob("*.*"):
        key = f"{prefix}/{path.relative_to(root)}"
        server.client().put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


def download(server: S3, prefix: str) -> dict[str, bytes]:
    found = server.client().list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/daily/")
    return {
        one["Key"].removeprefix(f"{prefix}/"): server.client()
        .get_object(Bucket=BUCKET, Key=one["Key"])["Body"]
        .read()
        for one in found.get("Contents", [])
    }


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-P", "-c", COMMAND, *arguments],
        cwd=folder,
        env=os.environ,
        check=False,
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_a_bucket_gets_the_bytes_that_a_folder_gets(any_s3: S3, tmp_path: Path) -> None:
    root = tmp_path / "tape"
    make_tape(root, TAPE)
    upload(any_s3, root, tmp_path.name)
    url = f"s3://{BUCKET}/{tmp_path.name}"
    certify = ("certify", url, "--temp", str(tmp_path / "temporary"))
    status, said, complaint = run(tmp_path, *certify)
    assert (0, "") == (status, complaint)
    assert "certified, revision 0, available" in said
    certify_all(root, tmp_path / "temporary", is_over=True)
    assert list_files(root) == download(any_s3, tmp_path.name)
    assert (0, "Nothing to certify.\n", "") == run(tmp_path, *certify)
    assert 0 == run(tmp_path, "verify", url)[0]
    book = booktape.open(url, region=REGION, endpoint_url=any_s3.url).book_at(
        "bitvavo:BTC-EUR", "2026-11-22T12:00:02.5Z"
    )
    assert [99.0, 98.0] == [level["price"] for level in book.bids.to_pylist()]


def test_a_bucket_that_is_not_there_is_one_line(any_s3: S3, tmp_path: Path) -> None:
    status, said, complaint = run(tmp_path, "certify", "s3://no-such-bucket-here/x")
    assert (2, "") == (status, said)
    assert 1 == complaint.count("\n")
    assert "is unreadable" in complaint
    assert any_s3.url not in said
