"""The tape as its users read it: by SQL, with hive partitioning, and books rebuilt from it."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import duckdb
import pytest

from booktape.ladder import Ladder, Level
from booktape.proof.verify import verify
from shared.delivery.frame import DAY_NS
from shared.event import Checkpoint, Delta, Snapshot
from tests.support.levels import levels
from tests.support.tapes import BTC, ETH, NOON, SESSION, Recording, Tape

MIDNIGHT = NOON + DAY_NS // 2
# The latest snapshot or checkpoint up to a moment, and every delta of its epoch since then.
REBUILD = """
with opening as (
    select epoch, max(event_number) as first from book
    where session = $session and symbol = $symbol and is_snapshot and event_number <= $number
    group by epoch order by first desc limit 1
)
select side, price, arg_max(size, event_number) as size
from book, opening
where session = $session and symbol = $symbol and book.epoch = opening.epoch
    and event_number between opening.first and $number and price is not null
group by side, price having size > 0
"""


Side = dict[float, float]


class Market:
    """Records one symbol at random, and remembers its book after each event."""

    def __init__(self, recording: Recording, symbol: str, random: Random) -> None:
        self.recording = recording
        self.symbol = symbol
        self.random = random
        self.book = Ladder()
        self.sequence = 0
        self.history: dict[int, dict[str, Side]] = {}

    def step(self) -> None:
        chance = self.random.random()
        if not self.history or chance < 0.01:
            number = self.snapshot()
        elif chance < 0.04:
            number = self.checkpoint()
        else:
            number = self.delta()
        self.history[number] = {"bid": dict(self.book.bids), "ask": dict(self.book.asks)}

    def snapshot(self) -> int:
        self.sequence = self.random.randrange(1000)
        changed = self.levels(20)
        self.book = Ladder()
        self.book.replace(*changed)
        return self.recording.add(self.symbol, Snapshot(self.symbol, *changed, self.sequence))

    def checkpoint(self) -> int:
        bids, asks = list(self.book.bids.items()), list(self.book.asks.items())
        return self.recording.add(self.symbol, Checkpoint(self.symbol, bids, asks, self.sequence))

    def delta(self) -> int:
        self.sequence += 1
        changed = self.levels(3)
        self.book.apply(*changed)
        return self.recording.add(self.symbol, Delta(self.symbol, *changed, self.sequence))

    def levels(self, most: int) -> tuple[list[Level], list[Level]]:
        """Return levels of few prices, so that they are set, changed and removed."""
        return levels(
            [(f"9{place}.10", self.size()) for place in self.places(most)],
            [(f"1{place:02}.300", self.size()) for place in self.places(most)],
        )

    def places(self, most: int) -> list[int]:
        return self.random.sample(range(30), self.random.randrange(most))

    def size(self) -> str:
        return self.random.choice(["0", "0.00000000", f"{self.random.random():.8f}"])


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Market]]:
    """Return a tape over midnight, in four manifests of a session, and one of another line."""
    tape = Tape(tmp_path_factory.mktemp("tape"))
    recording = Recording(ts=MIDNIGHT - 650_000_000)
    markets = [Market(recording, symbol, Random(symbol)) for symbol in (BTC, ETH)]
    for _ in range(4):
        for _ in range(150):
            markets[0].step()
            markets[1].step()
        if recording.ts < MIDNIGHT <= recording.ts + 300_000_000:
            recording.ts = MIDNIGHT
        tape.write([recording.take()])
    other = Recording(SESSION.replace("-a", "-b"))
    other.snapshot(BTC)
    tape.write([other.take()])
    report = verify(tape.store)
    assert report.ok, report.faults
    return tape.root, markets


@pytest.fixture
def database(markets: tuple[Path, list[Market]]) -> Iterator[duckdb.DuckDBPyConnection]:
    files = markets[0] / "tape" / "book" / "**" / "*.parquet"
    with duckdb.connect() as database:
        query = f"create view book as from read_parquet('{files}', hive_partitioning = true)"
        database.execute(query)
        yield database


@pytest.mark.parametrize("place", [0, 1])
def test_a_book_can_be_rebuilt_at_any_moment(
    markets: tuple[Path, list[Market]], database: duckdb.DuckDBPyConnection, place: int
) -> None:
    market = markets[1][place]
    numbers = sorted(market.history)
    for number in [*Random(1).sample(numbers, 25), numbers[0], numbers[-1]]:
        found: dict[str, Side] = {"bid": {}, "ask": {}}
        rows = database.execute(
            REBUILD, {"session": SESSION, "symbol": market.symbol, "number": number}
        ).fetchall()
        for side, price, size in rows:
            found[side][price] = size
        assert market.history[number] == found


def test_partitions_are_columns(database: duckdb.DuckDBPyConnection) -> None:
    rows = database.execute(
        "select exchange, date::varchar, count(distinct session) from book group by all order by 2"
    ).fetchall()
    assert [("bitvavo", "2026-11-22", 2), ("bitvavo", "2026-11-23", 1)] == rows


def test_times_are_utc_and_dates_those_of_their_partition(
    database: duckdb.DuckDBPyConnection,
) -> None:
    [(kind, outside)] = database.execute(
        """
        select any_value(typeof(ts_recv)), count(*) filter (
            where epoch_us(ts_recv) // 86400000000 != epoch_us(date::timestamp) // 86400000000)
        from book
        """
    ).fetchall()
    assert ("TIMESTAMP WITH TIME ZONE", 0) == (kind, outside)


@pytest.mark.parametrize("versions", [(1, 2), (2, 1)])
def test_tables_of_both_versions_are_read_by_the_names_of_their_columns(
    tmp_path: Path, versions: tuple[int, int]
) -> None:
    tape, recording = Tape(tmp_path), Recording()
    for version in versions:
        recording.snapshot(BTC)
        recording.delta(BTC)
        tape.write([recording.take()], version=version)
    files = tmp_path / "tape" / "book" / "**" / "*.parquet"
    with duckdb.connect() as database:
        rows = database.execute(
            f"select count(*), count(previous) from read_parquet('{files}', "
            "hive_partitioning = true, union_by_name = true)"
        ).fetchall()
    assert [(8, 0)] == rows
