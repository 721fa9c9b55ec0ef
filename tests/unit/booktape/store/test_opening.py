import subprocess
import sys
from pathlib import Path
from typing import Any

from booktape.store.opening import open_store
from booktape.store.storage import Storage


def test_a_file_url_opens_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "segment"
    path.write_bytes(b"data")
    open_store(Storage(url=f"file:{tmp_path}/tape")).put(path, "a/b")
    assert b"data" == (tmp_path / "tape" / "a" / "b").read_bytes()


def test_an_s3_url_opens_a_bucket_and_asks_nothing_of_it() -> None:
    store: Any = open_store(Storage(url="s3://bucket/a/prefix/"))
    assert {"Bucket": "bucket", "Key": "a/prefix/x"} == store._place("x")
    store = open_store(Storage(url="s3://bucket"))
    assert {"Bucket": "bucket", "Key": "x"} == store._place("x")


def test_a_folder_needs_no_boto3(tmp_path: Path) -> None:
    code = (
        "import sys; from booktape.store.opening import open_store\n"
        "from booktape.store.storage import Storage\n"
        f"open_store(Storage('file:{tmp_path}')); sys.exit('boto3' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
