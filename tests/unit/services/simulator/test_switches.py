"""What is answered in place of the truth."""

from services.simulator.protocol import Answer
from services.simulator.switches import Switched, Switches
from tests.unit.services.simulator.conftest import MakeWorld


def test_where_nothing_is_wrong_the_truth_is_answered() -> None:
    assert Switches().answer_instead() is None


def test_an_unknown_path_is_answered_until_it_is_over() -> None:
    switches = Switches(not_found=Answer(404, b"?"))
    assert [404, 404] == [getattr(switches.answer_instead(), "status", 0) for _ in range(2)]
    switches.not_found = None
    assert switches.answer_instead() is None


def test_too_many_is_answered_once_and_says_no_end() -> None:
    switches = Switches(is_next_too_many=True)
    answer = switches.answer_instead()
    assert answer is not None
    assert (429, {}) == (answer.status, answer.headers)
    assert b"expires" not in answer.body
    assert switches.answer_instead() is None


def test_both_exchanges_have_them(make_world: MakeWorld) -> None:
    for name in ("bitvavo", "btcturk"):
        assert isinstance(make_world(name).exchange, Switched)
