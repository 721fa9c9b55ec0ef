import builtins

import botocore.exceptions
import botocore.parsers
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from booktape.store import s3_faults
from booktape.store.s3_faults import _ERRORS, explain


def answer(code: str, status: int = 400, message: str = "") -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "PutObject")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NoSuchBucket", "there is no such bucket"),
        ("AccessDenied", "access denied"),
        ("ExpiredToken", "the credentials have expired"),
        ("InvalidAccessKeyId", "the store does not know the access key"),
        ("SignatureDoesNotMatch", "the secret key does not belong to the access key"),
        ("PermanentRedirect", "the bucket is in another region"),
        ("AuthorizationHeaderMalformed", "the bucket is in another region"),
        ("RequestTimeTooSkewed", "the clock of this machine is off"),
        ("SlowDown", "the store asks to slow down"),
    ],
)
def test_an_answer_is_known_by_its_code(code: str, reason: str) -> None:
    assert f"{reason} ({code})" == explain(answer(code)).reason


def test_an_answer_without_a_body_is_known_by_its_status() -> None:
    assert "access denied (403)" == explain(answer("403", 403)).reason
    assert "the store failed inside (NeverHeardOf)" == explain(answer("NeverHeardOf", 500)).reason


def test_an_unknown_answer_is_repeated_and_cut() -> None:
    fault = explain(answer("Teapot", 418, "x" * 1000))
    assert "the store answered Teapot: " + "x" * 200 == fault.reason
    assert "it may go better later" == fault.remedy


def test_what_the_service_quotes_is_not_repeated() -> None:
    fault = explain(answer("SignatureDoesNotMatch", 403, "AKIA and what was signed"))
    assert "AKIA" not in fault.reason + fault.remedy


def test_new_credentials_are_looked_for_where_they_were_the_fault() -> None:
    assert explain(answer("ExpiredToken")).is_about_credentials
    assert explain(NoCredentialsError()).is_about_credentials
    assert not explain(answer("SlowDown")).is_about_credentials


def test_an_error_is_known_by_a_class_that_it_derives_from() -> None:
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert "the store cannot be reached" == explain(error).reason
    assert "the bucket or the endpoint is no valid name" == explain(UnicodeError("a")).reason


def test_an_unknown_error_is_named() -> None:
    assert "ZeroDivisionError: b" == explain(ZeroDivisionError("b")).reason


def test_every_class_exists() -> None:
    places = botocore.exceptions, botocore.parsers, s3_faults, builtins
    known = {name for place in places for name in vars(place)}
    assert set() == _ERRORS.keys() - known


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("certificate verify failed: self-signed", "the certificate of the store is not trusted"),
        ("EOF occurred in violation of protocol", "the store cannot be reached"),
    ],
)
def test_a_broken_handshake_is_no_matter_of_the_certificate(said: str, reason: str) -> None:
    error = botocore.exceptions.SSLError(endpoint_url="https://127.0.0.1:1", error=OSError(said))
    assert reason == explain(error).reason
