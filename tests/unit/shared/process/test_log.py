import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from shared.process import log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log into a string; leave the loggers as they were."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    root.handlers.clear()  # those of pytest would be closed by setup
    stream = io.StringIO()
    log.setup("ingest_bitvavo", "INFO", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_bad_who_and_what(stream: io.StringIO) -> None:
    record = logging.LogRecord("n", logging.INFO, "", 0, "m", None, None)
    record.created = 0.25
    logging.getLogger().handle(record)
    assert [
        {
            "ts": "1970-01-01T00:00:00.250000+00:00",
            "level": "INFO",
            "process": "ingest_bitvavo",
            "logger": "n",
            "message": "m",
        }
    ] == lines(stream)


def test_facts_are_fields(stream: io.StringIO) -> None:
    log.get("shared.feed.feed").warning("resync", extra={"symbol": "BTC-EUR", "sequence": 7})
    [line] = lines(stream)
    assert ("WARNING", "shared.feed.feed", "resync", "BTC-EUR", 7) == tuple(
        line[name] for name in ("level", "logger", "message", "symbol", "sequence")
    )


def test_an_exception_stays_on_the_one_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("broken\nin two")  # noqa: TRY301 - what is logged here
    except ValueError:
        log.get("x").exception("failed")
    [line] = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: broken\nin two")


@pytest.mark.parametrize(
    "name", ["secret_key", "aws_access_key_id", "Authorization", "session_token", "password"]
)
def test_credentials_are_never_told(stream: io.StringIO, name: str) -> None:
    log.get("x").info("using", extra={name: "hunter2"})
    assert "hunter2" not in stream.getvalue()
    assert "***" == lines(stream)[0][name]


def test_libraries_that_print_signed_requests_stay_silent(stream: io.StringIO) -> None:
    log.setup("buffer_writer", "DEBUG", stream=stream)
    log.get("botocore.auth").debug("StringToSign")
    log.get("ours").debug("seen")
    assert ["seen"] == [line["message"] for line in lines(stream)]


def test_lines_below_the_level_are_dropped(stream: io.StringIO) -> None:
    log.get("x").debug("noise")
    assert "" == stream.getvalue()


def test_any_value_can_be_told(stream: io.StringIO) -> None:
    log.get("x").info("odd", extra={"raw": b"\xff", "lone": "\ud800", "error": OSError("e")})
    assert ["b'\\xff'", "\ud800", "e"] == [
        lines(stream)[0][name] for name in ("raw", "lone", "error")
    ]


def test_warnings_of_python_are_lines_too(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", stacklevel=1)
    assert "py.warnings" == lines(stream)[0]["logger"]


def test_a_second_setup_replaces_the_first(stream: io.StringIO) -> None:
    log.setup("buffer_writer", stream=stream)
    log.get("x").info("once")
    assert ["buffer_writer"] == [line["process"] for line in lines(stream)]
