import msgspec

from services.operator.probe.record import ProbeRecord


def test_a_record_says_only_what_there_is_to_say() -> None:
    record = ProbeRecord(ts=1, door="a", kind="ping")
    assert b'{"ts":1,"door":"a","kind":"ping"}' == msgspec.json.encode(record)


def test_a_record_survives_its_line() -> None:
    headers = {"retry-after": "1"}
    record = ProbeRecord(
        ts=1, door="rest", kind="answer", text="\u20ba", path="/x", status=429, headers=headers
    )
    assert record == msgspec.json.decode(msgspec.json.encode(record), type=ProbeRecord)
