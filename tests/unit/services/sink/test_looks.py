from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from booktape.errors import StoreError
from booktape.keys import Key
from booktape.store.folder import FolderStore
from booktape.store.protocol import ObjectInfo
from services.sink.looks import DAY_S, HOUR_S, Looks

DATES = ("2026-11-20", "2026-11-21", "2026-11-22")
NOON_S = 1_795_348_800  # of 2026-11-22
A, B = "20261120T120000.000000Z-bitvavo-a", "20261122T115900.000000Z-bitvavo-b"
T = "20261122T110000.000000Z-btcturk-a"


class ListedStore(FolderStore):
    """A folder that remembers what was listed; `before` runs before each list."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []
        self.root = root

    def folders(self, prefix: str) -> Sequence[str]:  # type: ignore[explicit-override]
        self.listed.append(prefix)
        return super().folders(prefix)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:  # type: ignore[explicit-override]
        self.listed.append(prefix)
        return super().list(prefix)

    def add(self, session: str, date: str, first: int, last: int) -> Key:
        exchange = session.split("-")[1]
        key = Key(None, exchange, date, session, first, last)
        path = self.root / key.text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return key

    def remove(self, key: Key) -> None:
        (self.root / key.text).unlink()

    def dates(self) -> Sequence[str]:
        """Return the dates whose manifests were listed since the last question."""
        found = [
            prefix.split("date=")[1].rstrip("/") for prefix in self.listed if prefix[-1] == "/"
        ]
        self.listed.clear()
        return found


class Progress:
    def __init__(self) -> None:
        self.sessions: dict[str, int] = {}
        self.kept: Collection[str] | None = None

    def next(self, session: str) -> int:
        return self.sessions.get(session, 0)

    def move(self, session: str, next_number: int) -> None:
        raise AssertionError(session, next_number)

    def forget(self, sessions: Collection[str]) -> None:
        self.kept = set(sessions)


class Bench:
    def __init__(self, root: Path) -> None:
        self.store = ListedStore(root)
        self.progress = Progress()
        self.now_s = NOON_S
        self.steady_s = 0.0
        self.looks = self.make()

    def make(self, begin: str = DATES[0], exchanges: Sequence[str] = ()) -> Looks:
        return Looks(
            self.store,
            exchanges=exchanges,
            begin=begin,
            clock_ns=lambda: self.now_s * 10**9,
            steady_s=lambda: self.steady_s,
        )

    def find(self, *, feeds: bool = True) -> list[Key]:
        due = self.looks.find_due(self.progress)
        if feeds:
            self.progress.sessions.update({key.session: key.last + 1 for key in due})
        return due

    def later(self, seconds: float) -> None:
        self.steady_s += seconds
        self.now_s += int(seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_tape_that_is_not_there_yet_has_nothing_due(bench: Bench) -> None:
    assert [] == bench.find()
    assert [] == bench.find()


def test_all_is_due_at_first_by_date_and_each_session_in_its_order(bench: Bench) -> None:
    wanted = [
        bench.store.add(A, DATES[0], 0, 9),
        bench.store.add(A, DATES[1], 10, 19),
        bench.store.add(A, DATES[2], 20, 29),
        bench.store.add(B, DATES[2], 0, 4),
        bench.store.add(B, DATES[2], 5, 9),
        bench.store.add(T, DATES[2], 0, 9),
    ]
    assert wanted == bench.find()
    assert [] == bench.find()


def test_what_is_older_than_the_beginning_is_not_fed(bench: Bench) -> None:
    bench.store.add(A, DATES[0], 0, 9)
    later = bench.store.add(A, DATES[1], 10, 19)
    bench.looks = bench.make(begin=DATES[1])
    assert [later] == bench.find()
    assert DATES[0] not in bench.store.dates()


def test_an_exchange_that_is_not_wanted_is_not_looked_at(bench: Bench) -> None:
    bench.store.add(A, DATES[2], 0, 9)
    wanted = bench.store.add(T, DATES[2], 0, 9)
    bench.looks = bench.make(exchanges=["btcturk"])
    assert [wanted] == bench.find()
    assert [] == [prefix for prefix in bench.store.listed if "bitvavo" in prefix]


def test_what_is_partly_there_is_due(bench: Bench) -> None:
    key = bench.store.add(B, DATES[2], 0, 9)
    bench.progress.sessions[B] = 9
    assert [key] == bench.find()
    bench.progress.sessions[B] = 10
    assert [] == bench.find()


def test_most_looks_list_today_alone(bench: Bench) -> None:
    bench.store.add(A, DATES[0], 0, 9)
    bench.find()
    assert [DATES[2], DATES[0]] == bench.store.dates()
    bench.later(30)
    new = bench.store.add(A, DATES[2], 10, 19)
    assert [new] == bench.find()
    assert [DATES[2]] == bench.store.dates()


def test_for_an_hour_after_midnight_the_day_before_is_listed_too(bench: Bench) -> None:
    bench.store.add(B, DATES[2], 0, 9)
    bench.find()
    bench.now_s = NOON_S + DAY_S // 2 + 60
    bench.store.dates()
    late = bench.store.add(B, DATES[2], 10, 19)
    early = bench.store.add(B, "2026-11-23", 20, 29)
    assert [late, early] == bench.find()
    assert ["2026-11-23", DATES[2]] == bench.store.dates()


def test_a_week_is_listed_each_hour_and_new_exchanges_are_found(bench: Bench) -> None:
    old = bench.store.add(A, "2026-11-10", 0, 9)
    bench.looks = bench.make(begin="2026-11-01")
    assert [old] == bench.find()
    bench.store.dates()
    late = bench.store.add(B, DATES[1], 0, 9)
    other = bench.store.add(T, DATES[2], 0, 9)
    assert [] == bench.find()
    bench.later(HOUR_S)
    assert [late, other] == bench.find()
    assert "2026-11-10" not in bench.store.dates()


def test_all_is_listed_each_day_and_what_is_gone_is_forgotten(bench: Bench) -> None:
    bench.looks = bench.make(begin="2026-11-01")
    bench.store.add(B, DATES[2], 0, 9)
    bench.find()
    assert {B} == bench.progress.kept
    late = bench.store.add(A, "2026-11-02", 0, 9)
    bench.later(DAY_S)
    assert [late] == bench.find()
    assert {A, B} == bench.progress.kept


def test_a_hole_in_a_session_is_looked_into_at_once(bench: Bench) -> None:
    bench.store.add(A, DATES[0], 0, 9)
    bench.find()
    missing = bench.store.add(A, DATES[1], 10, 19)
    after = bench.store.add(A, DATES[2], 20, 29)
    assert [missing, after] == bench.find()


def test_a_hole_that_stays_one_is_looked_into_once(bench: Bench) -> None:
    bench.store.add(A, DATES[0], 0, 9)
    bench.find()
    after = bench.store.add(A, DATES[2], 20, 29)
    assert [after] == bench.find(feeds=False)
    assert set(DATES) == set(bench.store.dates())
    assert [after] == bench.find()
    assert [DATES[2]] == bench.store.dates()


def test_a_hole_that_is_gone_is_forgotten(bench: Bench) -> None:
    bench.store.add(A, DATES[0], 0, 9)
    bench.find()
    key = bench.store.add(A, DATES[2], 20, 29)
    bench.find()
    assert {key} == bench.looks._holes
    bench.store.remove(key)
    bench.later(DAY_S)
    bench.find()
    assert set() == bench.looks._holes


def test_a_session_that_began_before_the_beginning_is_no_reason_to_look_there(bench: Bench) -> None:
    bench.looks = bench.make(begin=DATES[2])
    key = bench.store.add(A, DATES[2], 20, 29)
    assert [key] == bench.find()
    assert {DATES[2]} == set(bench.store.dates())


@pytest.mark.parametrize("listed", DATES[1:])
def test_what_is_stored_while_a_look_lists_leaves_no_hole(
    bench: Bench, tmp_path: Path, listed: str
) -> None:
    class Growing(ListedStore):
        def list(self, prefix: str) -> Iterator[ObjectInfo]:  # type: ignore[explicit-override]
            yield from super().list(prefix)
            if listed in prefix:  # its own is listed already: what comes now is of the next look
                self.add(A, DATES[1], 10, 19)
                self.add(A, DATES[2], 20, 29)

    bench.store = Growing(tmp_path)
    bench.looks = bench.make()
    bench.store.add(A, DATES[0], 0, 9)
    bench.store.add(A.replace("-a", "-b"), DATES[1], 0, 9)
    found = [key.first for _ in range(3) for key in bench.find() if key.session == A]
    assert [0, 10, 20] == found


def test_what_is_no_manifest_is_nobody_s(bench: Bench, tmp_path: Path) -> None:
    key = bench.store.add(B, DATES[2], 0, 9)
    (tmp_path / key.text).with_name("notes.txt").touch()
    (tmp_path / "ledger" / "exchange=bitvavo" / "date=never").mkdir()
    assert [key] == bench.find()


def test_a_store_that_fails_is_asked_for_all_of_it_again(bench: Bench, tmp_path: Path) -> None:
    class Failing(ListedStore):
        is_failing = True

        def list(self, prefix: str) -> Iterator[ObjectInfo]:  # type: ignore[explicit-override]
            if self.is_failing:
                raise StoreError("list", where=prefix, reason="gone", remedy="wait")
            return super().list(prefix)

    failing = Failing(tmp_path)
    bench.store = failing
    key = failing.add(A, DATES[0], 0, 9)
    bench.looks = bench.make()
    with pytest.raises(StoreError):
        bench.find()
    failing.is_failing = False
    assert [key] == bench.find()
