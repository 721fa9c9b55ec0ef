"""The judge of the other tests finds what is lost, doubled, changed, invented or not told."""

import json
from pathlib import Path

import pytest

from tests.support.judge import Verdict, judge
from tests.support.tapes import Recording, Tape

BIDS, ASKS = [["99.5", "1"], ["99", "2.5"]], [["100.5", "3"]]
NS_PER_S = 1_000_000_000


class Sending:
    """The truth file of an exchange with one book, as its simulator writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[object] = []
        self._ts = 0

    def line(self, kind: str, **facts: object) -> None:
        self._ts += NS_PER_S
        self._lines.append({"type": kind, "connection": 1, "ts": self._ts, **facts})

    def send(self, message: object) -> None:
        self.line("sent", message=json.dumps(message))

    def snapshot(self, nonce: int) -> None:
        book = {"market": "BTC-EUR", "nonce": nonce, "bids": BIDS, "asks": ASKS}
        self.send({"action": "getBook", "response": book})

    def delta(self, nonce: int) -> None:
        book = {"market": "BTC-EUR", "nonce": nonce, "bids": [["99.50", "0"]], "asks": []}
        self.send({"event": "book", **book})

    def trade(self, trade_id: str) -> None:
        self.send({"event": "trade", "market": "BTC-EUR", "id": trade_id})

    def end(self, *, reason: str = "end") -> Path:
        self.line("connection", event="close", reason=reason)
        book = {"symbol": "BTC-EUR", "raw_symbol": "BTC-EUR", "bids": [["99", "2.5"]]}
        self.line("book", **book, asks=ASKS)
        self.line("end")
        self.path.write_text("".join(f"{json.dumps(line)}\n" for line in self._lines))
        return self.path


@pytest.fixture
def sending(tmp_path: Path) -> Sending:
    sending = Sending(tmp_path / "truth.jsonl")
    sending.snapshot(100)
    for nonce in (101, 102, 103):
        sending.delta(nonce)
    sending.trade("t1")
    return sending


@pytest.fixture
def recording() -> Recording:
    recording = Recording()
    recording.snapshot()
    recording.delta()
    recording.delta()
    return recording


def find(recording: Recording, truth: Path) -> Verdict:
    tape = Tape(truth.parent)
    tape.write([recording.take()])
    return judge(tape.root, truth, "bitvavo")


def end_well(recording: Recording) -> None:
    recording.delta()
    recording.trade()
    recording.feed_event("connected")


def test_what_was_sent_and_stored_once_is_well(sending: Sending, recording: Recording) -> None:
    end_well(recording)
    verdict = find(recording, sending.end())
    assert [] == verdict.faults
    assert (4, 5, 0) == (verdict.sent, verdict.stored, verdict.unread)


def test_what_is_not_stored_is_lost(sending: Sending, recording: Recording) -> None:
    recording.trade()
    recording.feed_event("connected")
    [fault] = find(recording, sending.end()).faults
    assert fault.startswith("lost ('BTC-EUR', 'delta', 103)")


def test_the_end_of_what_was_cut_may_be_unread_but_nothing_before_it(
    sending: Sending, recording: Recording
) -> None:
    recording.sequences["BTC-EUR"] = 102  # 103 is lost, 104 is there
    recording.sequences["BTC-EUR"] += 1
    recording.delta()
    recording.trade()
    recording.feed_event("connected")
    sending.delta(104)
    sending.delta(105)
    verdict = find(recording, sending.end(reason="client"))
    assert 1 == verdict.unread
    assert 1 == len(verdict.lost)
    assert verdict.lost[0].startswith("('BTC-EUR', 'delta', 103)")


def test_what_is_stored_again_is_doubled(sending: Sending, recording: Recording) -> None:
    recording.sequences["BTC-EUR"] -= 1
    recording.delta()
    end_well(recording)
    recording.trade()
    faults = find(recording, sending.end()).faults
    assert ["doubled ('BTC-EUR', 'delta', 102)", "doubled ('BTC-EUR', 'trade', 't1')"] == faults


def test_what_differs_is_lost_and_never_sent(sending: Sending, recording: Recording) -> None:
    recording.delta(bids=[(99.5, 0.1)])
    recording.trade()
    recording.feed_event("connected")
    lost, invented, book = find(recording, sending.end()).faults
    assert lost.startswith("lost ('BTC-EUR', 'delta', 103)")
    assert "never sent ('BTC-EUR', 'delta', 103)" == invented
    assert "book BTC-EUR does not end as the exchange's own" == book


def test_a_break_must_be_told_and_no_other(sending: Sending, recording: Recording) -> None:
    end_well(recording)
    recording.feed_event("gap", "BTC-EUR", expected=7, received=9)
    sending.delta(106)
    lines = (
        "gap ('BTC-EUR', 104, 106) of connection 1 is not told",
        "gap ('BTC-EUR', 7, 9) is told and was not sent",
    )
    assert list(lines) == find(recording, sending.end()).faults
