"""Explains the faults of S3, each with its remedy."""

from typing import NamedTuple

TEXT_CHARACTERS_MAX = 200


class Fault(NamedTuple):
    """The reason why a request failed, with the remedy."""

    reason: str
    remedy: str
    is_about_credentials: bool = False


class NotS3(Exception):
    """No S3 store gives this answer, even if its status says success."""


def explain(error: Exception) -> Fault:
    """Return the meaning of an error of boto3.

    A code identifies an answer of the service; the name of its class, or of a base class, any other
    error. We never repeat the service's words for a known fault: they may quote the request.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _explain_answer(response)
    names = [kind.__name__ for kind in type(error).__mro__]
    if "SSLError" in names and "certificate" not in str(error).lower():
        return _UNREACHABLE  # the other side hung up during the handshake
    for name in names:
        if name in _ERRORS:
            return _ERRORS[name]
    return Fault(f"{type(error).__name__}: {str(error)[:TEXT_CHARACTERS_MAX]}", _AGAIN)


def _explain_answer(response: dict[str, dict[str, object]]) -> Fault:
    code = str(response.get("Error", {}).get("Code", ""))
    status = str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    fault = _CODES.get(code) or _CODES.get(status)
    if fault:
        return fault._replace(reason=f"{fault.reason} ({code or status})")
    message = str(response.get("Error", {}).get("Message", ""))[:TEXT_CHARACTERS_MAX]
    return Fault(f"the store answered {code or status}: {message}", _AGAIN)


_AGAIN = "it may go better later"

_BUCKET = Fault("there is no such bucket", "create it or correct [storage] url")
_OBJECT = Fault("there is no such object", "check the key and [storage] url")
_DENIED = Fault(
    "access denied",
    "allow these credentials s3:PutObject, s3:GetObject and s3:ListBucket there",
    is_about_credentials=True,
)
_EXPIRED = Fault("the credentials have expired", "renew them", is_about_credentials=True)
_UNKNOWN_KEY = Fault(
    "the store does not know the access key",
    "correct the credentials or [storage] endpoint_url",
    is_about_credentials=True,
)
_SECRET = Fault(
    "the secret key does not belong to the access key",
    "correct the credentials",
    is_about_credentials=True,
)
_MISSING = Fault(
    "there are no usable credentials",
    "give this machine an instance role, or set the variables or the profile of boto3",
    is_about_credentials=True,
)
_REGION = Fault("the bucket is in another region", "set [storage] region to the bucket's own")
_CLOCK = Fault("the clock of this machine is off", "set it by NTP (chronyc makestep)")
_SLOW = Fault("the store asks to slow down", _AGAIN)
_INSIDE = Fault("the store failed inside", _AGAIN)
# boto3 raises this also for an unexpected page with status 200.
_BARE = Fault(
    "the store failed inside",
    f"{_AGAIN}; if it stays so, check [storage] endpoint_url: it may be no S3 store",
)
_NOT_S3 = Fault(
    "what answers there is no S3 store",
    "correct [storage] endpoint_url: it may be a console's port, a sign-in page or a proxy",
)
_FULL = Fault("the store is full", "free space there or raise the quota")
_DAMAGED = Fault("the object arrived damaged", _AGAIN)
_BUSY = Fault("somebody else is writing the same object", _AGAIN)
_UNABLE = Fault("the store cannot do what was asked", "use one that knows If-None-Match on a put")
_ENCRYPTION = Fault(
    "the key that encrypts the bucket cannot be used",
    "enable that KMS key and allow these credentials kms:GenerateDataKey and kms:Decrypt",
)
_UNREACHABLE = Fault(
    "the store cannot be reached",
    f"check the network, the DNS and [storage] endpoint_url and region; {_AGAIN}",
)
_SILENT = Fault("the store did not answer in time", _AGAIN)
_CERTIFICATE = Fault(
    "the certificate of the store is not trusted",
    "correct [storage] endpoint_url, or name its authority in AWS_CA_BUNDLE",
)
_ADDRESS = Fault(
    "the bucket or the endpoint is no valid name", "correct [storage] url and endpoint_url"
)

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; an answer to HEAD has no
# body, so that only its status is known.
_CODES = {
    "NoSuchBucket": _BUCKET,
    "NoSuchKey": _OBJECT,
    "404": _OBJECT,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AccountProblem": _DENIED,
    "401": _DENIED,
    "403": _DENIED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _SECRET,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "SlowDown": _SLOW,
    "Throttling": _SLOW,
    "RequestLimitExceeded": _SLOW,
    "TooManyRequests": _SLOW,
    "ServiceUnavailable": _SLOW,
    "429": _SLOW,
    "503": _SLOW,
    "InternalError": _INSIDE,
    "500": _BARE,
    "502": _INSIDE,
    "504": _INSIDE,
    "QuotaExceeded": _FULL,
    "507": _FULL,
    "BadDigest": _DAMAGED,
    "InvalidDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "XAmzContentChecksumMismatch": _DAMAGED,
    "IncompleteBody": _DAMAGED,
    "RequestTimeout": _SILENT,
    "ConditionalRequestConflict": _BUSY,
    "OperationAborted": _BUSY,
    "409": _BUSY,
    "NotImplemented": _UNABLE,
    "501": _UNABLE,
    "KMS.DisabledException": _ENCRYPTION,
    "KMS.NotFoundException": _ENCRYPTION,
    "KMS.KMSInvalidStateException": _ENCRYPTION,
    "InvalidBucketName": _ADDRESS,
}
# Classes of botocore.exceptions; a class stands for all its subclasses.
_ERRORS = {
    "NoCredentialsError": _MISSING,
    "PartialCredentialsError": _MISSING,
    "CredentialRetrievalError": _MISSING,
    "TokenRetrievalError": _MISSING,
    "SSOError": _MISSING,
    "ProfileNotFound": _MISSING,
    "ConfigParseError": _MISSING,
    "EndpointConnectionError": _UNREACHABLE,
    "ConnectTimeoutError": _UNREACHABLE,
    "ConnectionClosedError": _UNREACHABLE,
    "ProxyConnectionError": _UNREACHABLE,
    "ReadTimeoutError": _SILENT,
    "ResponseStreamingError": _SILENT,
    "IncompleteReadError": _SILENT,
    "SSLError": _CERTIFICATE,
    "NotS3": _NOT_S3,
    # HTML in place of XML.
    "ResponseParserError": _NOT_S3,
    "ParamValidationError": _ADDRESS,
    "ValueError": _ADDRESS,
}
