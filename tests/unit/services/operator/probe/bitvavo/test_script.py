from collections import Counter

from services.operator.probe.bitvavo.second import BitvavoReading
from services.operator.probe.steps import Close, Get, Open, Send, Wait
from tests.support.probe_facts import say
from tests.support.probing import honest

from services.operator.probe.bitvavo.script import play  # isort: skip


def reading(*markets: str) -> BitvavoReading:
    one = BitvavoReading()
    one.statuses = dict.fromkeys(markets, "trading")
    return one


def test_a_probe_asks_in_the_end_for_what_it_can() -> None:
    kinds = Counter(record.kind for record in honest("bitvavo"))
    assert kinds["sent"] > 10
    paths = {record.path.split("?")[0] for record in honest("bitvavo") if record.path}
    assert {"/markets", "/time", "/no-such-path", "/BTC-EUR/trades", "/BTC-EUR/book"} <= paths


def test_every_question_has_its_cost() -> None:
    steps = list(play(reading("X-EUR", "Y-EUR"), 0.0, lambda: 1.0))
    assert [] == [step for step in steps if isinstance(step, Get | Send) and step.cost is None]
    lists = [s for s in steps if isinstance(s, Get) and s.path.partition("?")[0].endswith("trades")]
    assert {5} == {step.cost.points for step in lists if step.cost}
    opened = [step.door for step in steps if isinstance(step, Open)]
    assert ["a", "b", "c0", "c1", "c2"] == opened
    assert ["c0", "c1", "c2"] == [step.door for step in steps if isinstance(step, Close)]


def test_what_is_refused_is_left_out_and_asked_for_no_more() -> None:
    one = reading("X-EUR", "NO-EUR")
    sent: list[str] = []
    for step in play(one, 0.0, lambda: 1.0):
        if isinstance(step, Send) and '"subscribe"' in step.text:
            sent.append(step.text)
            if "NO-EUR" in step.text and "NOPE-EUR" not in step.text:
                error = "market parameter NO-EUR is invalid."
                list(one.see(say({"action": "subscribe", "errorCode": 205, "error": error})))
    assert ["NO-EUR" in text for text in sent][:2] == [True, False]
    assert sum("NO-EUR" in text for text in sent) == 1


def test_a_socket_that_was_lost_is_opened_again() -> None:
    ticks = iter(range(0, 100, 10))
    steps = list(play(reading("X-EUR"), 1.0, lambda: float(next(ticks))))
    assert 6 <= sum(isinstance(step, Open) and step.door == "a" for step in steps)
    assert sum(step.seconds for step in steps if isinstance(step, Wait)) > 20
