"""What audits may take of an exchange's points."""

from shared.exchange import Cost, Limit
from shared.feed.audit_budget import AuditBudget, AuditBudgets
from tests.support.toys import make_exchange

POINT = Cost("points")


def take(budget: AuditBudget, now_s: float) -> bool:
    has_points = budget.has_points(POINT, now_s)
    if has_points:
        budget.spend(POINT, now_s)
    return has_points


def test_so_many_points_are_granted_in_any_interval() -> None:
    budget = AuditBudget(3, 60.0)
    granted = [now_s for now_s in range(100) if take(budget, float(now_s))]
    assert [0, 1, 2, 60, 61, 62] == granted
    assert not AuditBudget(3, 60.0).has_points(Cost("points", 4), 0.0)


def test_a_look_takes_no_points() -> None:
    budget = AuditBudget(1, 60.0)
    assert [True, True] == [budget.has_points(POINT, 0.0) for _ in range(2)]


def test_where_a_question_costs_nothing_there_is_no_budget() -> None:
    budget = AuditBudget(0, 60.0)
    assert budget.has_points(None, 0.0)
    budget.spend(None, 0.0)
    assert budget.has_points(None, 0.0)


def test_early_audits_have_a_quarter_of_our_points_and_those_by_turns_a_tenth() -> None:
    exchange = make_exchange(limits={"points": Limit(points=1000, interval_s=60.0)})
    budgets = AuditBudgets(exchange, 0.8)
    assert [200, 80] == [
        sum(take(budget, 0.0) for _ in range(1000)) for budget in (budgets.early, budgets.turns)
    ]
    assert AuditBudgets(make_exchange(snapshot_cost=None)).early.has_points(None, 0.0)
