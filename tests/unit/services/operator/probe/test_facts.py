from services.operator.probe.facts import Fact
from services.operator.probe.record import ProbeRecord


def test_a_fact_has_the_time_and_the_door_of_its_record() -> None:
    fact = Fact("event", ProbeRecord(ts=5, door="b", kind="text"))
    assert (5, "b", {}) == (fact.ts, fact.door, fact.body)
