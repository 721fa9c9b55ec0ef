import msgspec
import pytest

from booktape.store.storage import Storage


@pytest.mark.parametrize("url", ["file:data", "file:/data", "s3://bucket", "s3://bucket/a/prefix/"])
def test_a_folder_or_a_bucket_can_be_named(url: str) -> None:
    assert url == msgspec.convert({"url": url}, Storage).url


@pytest.mark.parametrize("url", ["", "data", "file:", "file://host/data", "s3://", "s3://b/a b"])
def test_what_names_neither_is_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": url}, Storage)
