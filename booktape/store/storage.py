"""The settings of storage: the place of a tape, as an operator or a reader names it."""

from typing import Annotated, Final

from msgspec import Meta, Struct

_URL: Final = r"^(file:(?!//[^/]).+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#/]+)*/?)\Z"
_ENDPOINT: Final = r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?\Z"


class Storage(Struct, frozen=True):
    """The place of a tape; boto3 finds an empty region or endpoint by itself."""

    url: Annotated[
        str, Meta(pattern=_URL, description='"file:<folder>" or "s3://<bucket>/<prefix>"')
    ] = "file:data"
    region: Annotated[
        str, Meta(pattern=r"^[a-z0-9-]*\Z", description='a region such as "eu-central-1"')
    ] = ""
    endpoint_url: Annotated[
        str, Meta(pattern=_ENDPOINT, description='"https://<host>", "http://<host>" or ""')
    ] = ""
