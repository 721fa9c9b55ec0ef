"""Opens the store that a URL names: a folder or a bucket."""

from pathlib import Path

from booktape.store.folder import FolderStore
from booktape.store.protocol import Store
from booktape.store.storage import Storage


def open_store(storage: Storage, *, is_used: bool = False) -> Store:
    """Return the store that `storage.url` names; send it no request yet.

    With `is_used` it has had objects before: then never create its folder.
    """
    if storage.url.startswith("file:"):
        return FolderStore(Path(storage.url.removeprefix("file:")), is_used=is_used)
    from booktape.store.s3 import S3Store, connect  # noqa: PLC0415 (boto3 takes 40 MB: only for S3)

    bucket, _, prefix = storage.url.removeprefix("s3://").partition("/")
    return S3Store(bucket, prefix.rstrip("/"), connect=lambda: connect(storage))
