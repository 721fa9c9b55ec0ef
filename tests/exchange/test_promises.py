"""What every exchange keeps, run over each folder that is found.

Golden results are renewed by `PYTHONPATH=. python tests/exchange/test_promises.py`; read the
difference before you believe it.
"""

import json
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

import services
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Snapshot, Subscribed, Ticker, Trade, TradeList
from shared.exchange import BOOK, TICKER, TRADES, Exchange, Outage
from shared.feed.sequencer import Sequencer, Verdict
from tests.support.paths import RECORDINGS

GOLDEN = "golden"
FOLDERS = [m.name for m in pkgutil.iter_modules(services.__path__) if m.name.startswith("ingest_")]
EXCHANGES: list[Exchange] = [
    import_module(f"services.{name}.exchange").EXCHANGE for name in FOLDERS
]

NOW_NS = 1_790_000_000_000_000_000
GARBAGE = [
    b"",
    b" ",
    b"null",
    b"true",
    b"17",
    b'"text"',
    b"[]",
    b"{}",
    b"[[]]",
    b"\x00",
    b"\xff\xfe",
    b"<html><body>502 Bad Gateway</body></html>",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 10_000,
]


def recordings(exchange: Exchange, pattern: str) -> list[Path]:
    return sorted((RECORDINGS / exchange.name).glob(pattern))


def read_messages(path: Path) -> list[bytes]:
    """One message a line; a `.json` file is one message."""
    text = path.read_bytes()
    return [text] if path.suffix == ".json" else text.splitlines()


def messages(exchange: Exchange) -> list[bytes]:
    return [raw for path in recordings(exchange, "ws_*") for raw in read_messages(path)]


def deltas(exchange: Exchange) -> Iterator[tuple[bytes, Delta]]:
    for raw in messages(exchange):
        for event in exchange.parse(raw):
            if isinstance(event, Delta):
                yield raw, event


def parse_file(exchange: Exchange, path: Path) -> list[Any]:
    """Parse a recording by what its name says that it is."""
    kind, what, *rest = path.stem.split("_")
    if kind == "ws":
        return [exchange.parse(raw) for raw in read_messages(path)]
    body = path.read_bytes()
    if what == "markets":
        return [exchange.rest.parse_markets(body)]
    if what == "book":
        return [[exchange.rest.parse_book(rest[0], body)]]
    assert "trades" == what
    assert exchange.rest.parse_trades is not None
    return [[exchange.rest.parse_trades(rest[0], body)]]


def plain(event: Any) -> dict[str, Any]:
    """Return the event's fields, but for what is nothing in nearly all of them."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    for each in (fields, *fields.get("trades", ())):
        for name in ("unread", "gone", "ts_from", "is_whole"):
            if not each.get(name, True):
                del each[name]
    return fields


def render(results: list[Any]) -> str:
    """One line for each message: the list of what it became."""
    lines = [[{type(one).__name__: plain(one)} for one in each] for each in results]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def golden_file(path: Path) -> Path:
    return path.parent / GOLDEN / f"{path.stem}.jsonl"


PARSED = [
    pytest.param(exchange, path, id=f"{exchange.name}/{path.name}")
    for exchange in EXCHANGES
    for pattern in ("ws_*", "rest_markets_*", "rest_book_*", "rest_trades_*")
    for path in recordings(exchange, pattern)
]
each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)


def test_there_are_exchanges() -> None:
    assert FOLDERS


@each_exchange
def test_its_name_is_that_of_its_folder(exchange: Exchange) -> None:
    assert f"ingest_{exchange.name}" in FOLDERS
    assert re.fullmatch(r"[a-z0-9]+", exchange.name)


@each_exchange
def test_its_recordings_show_every_kind_of_event(exchange: Exchange) -> None:
    kinds = {type(event) for raw in messages(exchange) for event in exchange.parse(raw)}
    of_channel: dict[str, type] = {BOOK: Delta, TRADES: Trade, TICKER: Ticker}
    assert {of_channel[channel] for channel in exchange.channels} <= kinds
    if exchange.snapshot_by != "rest":
        assert Snapshot in kinds
    if exchange.ready == "acknowledgement":
        assert Subscribed in kinds
    for pattern in ("rest_markets_*", "rest_book_*", "rest_errors*", "chatter.jsonl"):
        assert recordings(exchange, pattern)


@pytest.mark.parametrize(("exchange", "path"), PARSED)
def test_it_parses_a_recording_to_its_golden_results(exchange: Exchange, path: Path) -> None:
    assert golden_file(path).read_text(encoding="utf-8") == render(parse_file(exchange, path))


@each_exchange
def test_every_number_of_a_book_is_plain(exchange: Exchange) -> None:
    levels = [
        level
        for raw in messages(exchange)
        for event in exchange.parse(raw)
        if isinstance(event, Snapshot | Delta)
        for level in event.bids + event.asks
    ]
    assert levels
    assert {(float, float)} == {(type(price), type(size)) for price, size in levels}
    assert all(0 < price < 1e12 and 0 <= size < 1e12 for price, size in levels)


@each_exchange
def test_trades_of_a_list_are_oldest_first(exchange: Exchange) -> None:
    paths = recordings(exchange, "rest_trades_*")
    lists = [one for path in paths for one in parse_file(exchange, path)[0]]
    lists += [one for raw in messages(exchange) for one in exchange.parse(raw)]
    lists = [one for one in lists if isinstance(one, TradeList)]
    assert lists or exchange.rest.parse_trades is None
    for one in lists:
        times: list[Any] = [trade.ts_event for trade in one.trades]
        assert sorted(times) == times


@each_exchange
def test_it_ignores_chatter(exchange: Exchange) -> None:
    path = RECORDINGS / exchange.name / "chatter.jsonl"
    for raw in read_messages(path):
        assert [Chatter] == [type(message) for message in exchange.parse(raw)], raw


@each_exchange
@pytest.mark.parametrize("raw", GARBAGE, ids=lambda raw: raw[:8].decode(errors="replace"))
def test_it_refuses_garbage(exchange: Exchange, raw: bytes) -> None:
    with pytest.raises(MalformedMessage):
        exchange.parse(raw)
    with pytest.raises(MalformedMessage):
        exchange.rest.parse_book("X", raw)
    if raw != b"[]":  # a list of nothing, where an answer is a bare list
        with pytest.raises(MalformedMessage):
            exchange.rest.parse_markets(raw)


@each_exchange
def test_it_refuses_what_was_cut_short(exchange: Exchange) -> None:
    for path in recordings(exchange, "garbage_*"):
        with pytest.raises(MalformedMessage):
            exchange.parse(path.read_bytes())
    for raw in map(bytes.strip, messages(exchange)):
        for end in range(0, len(raw), 1 + len(raw) // 100):
            with pytest.raises(MalformedMessage):
                exchange.parse(raw[:end])


@each_exchange
def test_an_error_instead_of_a_body_is_malformed(exchange: Exchange) -> None:
    for path in recordings(exchange, "rest_errors*"):
        for raw in read_messages(path):
            with pytest.raises(MalformedMessage):
                exchange.rest.parse_book("X", raw)
            with pytest.raises(MalformedMessage):
                exchange.rest.parse_markets(raw)


@each_exchange
@pytest.mark.parametrize(
    "number", ["1e400", "-1", "", "1,5", "0x10", "NaN", "Infinity", "\uff11", " 1"]
)
def test_a_bad_number_in_a_book_names_the_symbol(exchange: Exchange, number: str) -> None:
    checked = 0
    for raw, delta in deltas(exchange):
        for price in prices(raw, delta):
            damaged = raw.replace(price, f'"{number}"'.encode())
            with pytest.raises(MalformedMessage) as refusal:
                exchange.parse(damaged)
            assert delta.raw_symbol == refusal.value.raw_symbol
            checked += 1
    assert checked


@each_exchange
def test_a_number_in_a_book_need_not_be_text(exchange: Exchange) -> None:
    for raw, delta in deltas(exchange):
        for price in prices(raw, delta):
            assert [delta] == exchange.parse(raw.replace(price, price.strip(b'"')))
            with pytest.raises(MalformedMessage) as refusal:
                exchange.parse(raw.replace(price, b"[1.5]"))
            assert delta.raw_symbol == refusal.value.raw_symbol


def prices(raw: bytes, delta: Delta) -> list[bytes]:
    """Return the prices of a message as they stand there, quoted."""
    numbers = {price for price, _ in delta.bids + delta.asks}
    texts = set(re.findall(rb'"[0-9]+(?:[.][0-9]+)?"', raw))
    found = [text for text in texts if float(text.strip(b'"')) in numbers]
    assert len(numbers) == len({float(text.strip(b'"')) for text in found})
    return found


@each_exchange
def test_a_sequence_beyond_int64_is_malformed(exchange: Exchange) -> None:
    raw, delta = next(deltas(exchange))
    for sequence in (2**63, -(2**63) - 1, 10**400, 1.5):
        with pytest.raises(MalformedMessage) as refusal:
            exchange.parse(raw.replace(b"%d" % delta.sequence, str(sequence).encode()))
        assert (delta.raw_symbol, BOOK) == (refusal.value.raw_symbol, refusal.value.channel)


@each_exchange
def test_it_proves_its_gaps(exchange: Exchange) -> None:
    raw, delta = next(each for each in deltas(exchange) if width(each[1]) > 1 or not is_led(each))
    step = width(delta)
    shown = [b"%d" % (delta.sequence - step + 1), b"%d" % (delta.sequence - step)]
    led = next((text for text in shown if is_led((raw, delta)) and text in raw), None)

    def numbered(sequence: int) -> Delta:
        """Return the delta with another number; what says where it begins moves with it."""
        moved = raw.replace(b"%d" % delta.sequence, b"%d" % sequence)
        if led is not None:
            moved = moved.replace(led, b"%d" % (int(led) + sequence - delta.sequence))
        (event,) = exchange.parse(moved)
        assert isinstance(event, Delta)
        return event

    def judge(*steps: int) -> list[Verdict]:
        sequencer = Sequencer()
        sequencer.begin(start)
        return [sequencer.judge(NOW_NS, numbered(start + step * each)) for each in steps]

    start = 1_000_000
    assert [Verdict.ACCEPTED] * 3 == judge(1, 2, 3)
    assert Verdict.GAP == judge(1, 3)[-1]  # one is missing
    assert Verdict.GAP == judge(1, 2, 3, 1)[-1]  # one comes again
    assert Verdict.GAP == judge(1, -start // step + 1)[-1]  # the numbers start again


def width(delta: Delta) -> int:
    """Return how many numbers a delta stands for."""
    return 1 if delta.previous is None else delta.sequence - delta.previous


def is_led(recorded: tuple[bytes, Delta]) -> bool:
    """Say whether a delta names what it follows, or where it begins."""
    return recorded[1].previous is not None


@each_exchange
def test_it_takes_every_kind_of_bytes(exchange: Exchange) -> None:
    for raw in messages(exchange):
        assert exchange.parse(raw) == exchange.parse(bytearray(raw))
        assert exchange.parse(raw) == exchange.parse(memoryview(raw))
    with pytest.raises(MalformedMessage):
        exchange.parse(memoryview(b"garbage"))


@each_exchange
def test_what_it_asks_is_json_and_names_every_symbol(exchange: Exchange) -> None:
    raw_symbols = [exchange.raw_symbol(symbol) for symbol in exchange.symbols]
    for ask in (exchange.subscribe, exchange.unsubscribe):
        asked = ask(exchange.channels, raw_symbols)
        assert asked
        assert all(isinstance(json.loads(message), dict | list) for message in asked)
        assert [] == [symbol for symbol in raw_symbols if f'"{symbol}"' not in "".join(asked)]
        assert [] == ask(exchange.channels, [])
        assert [] == ask([], raw_symbols)
    if exchange.request_snapshot:
        assert raw_symbols[0] in exchange.request_snapshot(raw_symbols[0])


@each_exchange
def test_its_symbols_are_found_in_its_list_of_markets(exchange: Exchange) -> None:
    markets = [
        market
        for path in recordings(exchange, "rest_markets_*")
        for market in exchange.rest.parse_markets(path.read_bytes())
    ]
    assert markets
    for market in markets:
        assert re.fullmatch(r"[A-Z0-9]+-[A-Z0-9]+", market.symbol)
        if exchange.names == "rule":
            assert market.raw_symbol == exchange.raw_symbol(market.symbol)
    assert any(market.status == "trading" for market in markets)


@each_exchange
def test_its_costs_are_of_limits_that_it_declares(exchange: Exchange) -> None:
    calls = (exchange.rest.markets, exchange.rest.book, exchange.rest.trades)
    costs = [exchange.subscribe_cost, exchange.snapshot_cost, exchange.connect_cost]
    costs += [call.cost for call in calls if call]
    for cost in costs:
        assert cost is None or 0 < cost.points <= exchange.limits[cost.limit].points


@each_exchange
def test_its_paths_keep_a_strange_symbol_in_its_place(exchange: Exchange) -> None:
    paths = [exchange.rest.book.path("../A?b=c&d#e f")]
    if exchange.rest.trades:
        paths.append(exchange.rest.trades.path("../A?b=c&d#e f", Outage("1&limit=9", None, 1), 2))
    for path in paths:
        assert path.startswith("/")
        assert not re.search(r"\.\./|b=c|[# ]|&limit=9", path)


@each_exchange
def test_too_many_requests_are_a_wait_whatever_stands_in_the_body(exchange: Exchange) -> None:
    for raw in GARBAGE:
        wait_s = exchange.rest.ban_s(429, {}, raw, NOW_NS)
        assert wait_s is not None
        assert 1 <= wait_s <= 86_400
        assert exchange.rest.ban_s(200, {}, raw, NOW_NS) is None
        assert exchange.rest.ban_s(503, {}, raw, NOW_NS) is None


if __name__ == "__main__":
    for one in EXCHANGES:
        for pattern in ("ws_*", "rest_markets_*", "rest_book_*", "rest_trades_*"):
            for recording in recordings(one, pattern):
                golden_file(recording).parent.mkdir(exist_ok=True)
                golden_file(recording).write_text(
                    render(parse_file(one, recording)), encoding="utf-8"
                )
