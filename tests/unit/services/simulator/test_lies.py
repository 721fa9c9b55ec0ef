import json

import pytest

from services.simulator import lies as module
from services.simulator.lies import (
    Liar,
    Lie,
    edit_answers,
    edit_messages,
    in_binary,
    in_parts,
    refuse_from,
    too_long,
)
from services.simulator.protocol import Answer

TEXT = '{"a":1}'


def test_who_tells_no_lie_changes_nothing() -> None:
    liar = Liar([Lie()])
    answer = Answer(200, b"{}")
    assert [TEXT] == liar.message("1", TEXT)
    assert [b"\x00"] == liar.message("1", b"\x00")
    assert (answer, None, 50.0) == (
        liar.change_answer("/", answer),
        liar.handshake(),
        liar.ping_s(50.0),
    )


def test_lies_are_told_one_upon_the_other() -> None:
    twice = Lie(message=lambda door, text: [text, f"{door} {text}"])
    liar = Liar([twice, twice, in_binary()])
    assert [b"x", b"7 x", b"7 x", b"7 7 x"] == liar.message("7", "x")
    assert [b"x"] == Liar([in_binary(), twice]).message("7", "x")


def test_the_first_that_speaks_of_pings_has_its_way() -> None:
    assert 20.0 == Liar([Lie(), Lie(ping_s=20.0), Lie(ping_s=30.0)]).ping_s(50.0)


def test_a_message_is_edited_or_left_as_it_is() -> None:
    lie = edit_messages(lambda door, body: [{**body, "door": door}] if "a" in body else None)
    assert ['{"a":1,"door":"7"}'] == lie.message("7", TEXT)
    spaced = '{"b": 2}'
    assert [spaced] == lie.message("7", spaced)
    assert [] == edit_messages(lambda _door, _body: []).message("7", TEXT)


def test_an_answer_is_edited_where_it_is_meant() -> None:
    lie = edit_answers(lambda path: path == "/x", lambda body: {**body, "b": 2})
    honest = Answer(200, TEXT.encode(), headers={"x": "y"})
    assert honest is lie.answer("/y", honest)
    changed = lie.answer("/x", honest)
    assert ({"a": 1, "b": 2}, {"x": "y"}) == (json.loads(changed.body), changed.headers)


def test_a_door_is_closed_from_a_number_on() -> None:
    liar = Liar([refuse_from(2, 403)])
    assert [None, 403, 403] == [
        refusal and refusal.status for refusal in (liar.handshake() for _ in range(3))
    ]


def test_a_text_may_come_in_two_parts() -> None:
    (parts,) = in_parts().message("7", "0123456789abc")
    assert ("0123456789", "abc") == parts


def test_one_text_is_too_long_and_still_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXT_BYTES_MAX", 100)
    lie = too_long()
    (first,) = lie.message("7", TEXT)
    assert isinstance(first, str)
    assert (107, {"a": 1}) == (len(first), json.loads(first))
    assert [TEXT] == lie.message("7", TEXT)
