from pathlib import Path

import pytest

from booktape.commands.command import Parser
from booktape.commands.main import build_parser as build
from services.operator.commands import arguments

EXCHANGES = ["bitvavo", "btcturk"]
COMMANDS = ["up", "demo", "status", "handover", "book", "exchanges", "probe", "ingest", "write"]


def never(_: object) -> int:
    raise AssertionError


def build_parser(exchanges: list[str]) -> Parser:
    return build(
        [
            *arguments.operating(
                exchanges, up=never, demo=never, status=never, silence=never, handover=never
            ),
            *arguments.deploying(box=never),
            *arguments.looking(exchanges, book=never, listing=never, probe=never),
            *arguments.processes(exchanges, ingest=never, write=never, simulate=never, sink=never),
        ]
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "the following arguments are required: <command>"),
        ("fly", "invalid choice: 'fly'"),
        ("ingest", "the following arguments are required: exchange"),
        ("ingest kraken", "invalid choice: 'kraken'"),
        ("ingest bitvavo --line a-b", "argument --line: takes up to 8 small letters"),
        ("book bitvavo BTC-EUR --limit 0", "argument --limit: takes a whole number from 1, not 0"),
        ("book bitvavo BTC-EUR --limit x", "argument --limit: invalid whole number value: 'x'"),
        ("book bitvavo BTCEUR", "argument symbol: takes BASE-QUOTE, such as BTC-EUR, not BTCEUR"),
        ("demo --seconds 0", "argument --seconds: takes a number above 0, not 0"),
        ("demo --seconds inf", "argument --seconds: takes a number above 0, not inf"),
        ("status --js", "unrecognized arguments: --js"),
        ("up now", "unrecognized arguments: now"),
    ],
)
def test_wrong_usage_is_one_clear_line(
    line: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser(EXCHANGES).parse_args(line.split())
    assert 2 == stop.value.code
    said = capsys.readouterr().err
    assert complaint in said
    assert 1 == said.count("\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_by_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser(EXCHANGES).parse_args([command, "--help"])
    assert 0 == stop.value.code
    text = capsys.readouterr().out
    example = text.split("example:\n")[1].split()
    assert ["booktape", command] == example[:2]
    assert command == build_parser(EXCHANGES).parse_args(example[1:]).command


def test_without_any_exchange_there_is_still_a_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser([]).parse_args(["ingest", "--help"])
    assert 0 == stop.value.code
    assert "booktape ingest <exchange>" in capsys.readouterr().out


def test_what_is_left_out_has_a_default() -> None:
    demo = build_parser(EXCHANGES).parse_args(["demo"])
    assert (None, None, Path("demo"), None) == (
        demo.seconds,
        demo.faults,
        demo.folder,
        demo.truth,
    )
    assert (20, 100.0, False) == (demo.symbols, demo.rate, demo.fresh)
    assert "a" == build_parser(EXCHANGES).parse_args(["ingest", "bitvavo"]).line


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("box drain", None),
        (f"box deploy {40 * 'a'}", 40 * "a"),
        (f"box configure {64 * 'a'}", 64 * "a"),
    ],
)
def test_a_step_of_a_deploy_takes_a_commit_a_digest_or_nothing(
    line: str, target: str | None
) -> None:
    assert target == build_parser(EXCHANGES).parse_args(line.split()).target


def test_a_symbol_may_be_typed_in_small_letters() -> None:
    parsed = build_parser(EXCHANGES).parse_args(["book", "bitvavo", "btc-eur"])
    assert "BTC-EUR" == parsed.symbol
