from services.operator.probe.steps import Get, Open, Send, encode


def test_a_message_has_no_blank_that_costs() -> None:
    assert '[151,{"join":true,"event":"\u20ba"}]' == encode(
        [151, {"join": True, "event": "\u20ba"}]
    )


def test_a_step_costs_nothing_unless_it_says_so() -> None:
    assert [None] * 3 == [step.cost for step in (Open("a"), Send("a", ""), Get("/"))]
