"""What monitoring/ has is what the exporter says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.operator.metrics.exposition import format_text
from services.operator.metrics.metrics import collect
from tests.support.grafana import load_builder
from tests.support.healths import make_health
from tests.support.paths import ROOT

MONITORING = ROOT / "monitoring"
METRIC = re.compile(r"booktape_\w+")
WATCHING = (ROOT / "docs/watching.md").read_text(encoding="utf-8")


def find_exported() -> set[str]:
    text = format_text(collect(make_health()))
    return set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))


def read(name: str) -> Any:
    return yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))


RULES = [rule for group in read("alerts.yml")["groups"] for rule in group["rules"]]
TESTS = read("alerts_test.yml")["tests"]


def test_the_dashboard_is_what_the_code_builds() -> None:
    expected = load_builder().write()
    assert expected == (MONITORING / "dashboard.json").read_text(encoding="utf-8")


def test_every_metric_that_is_asked_for_is_exported() -> None:
    panels = load_builder().PANELS
    exported = find_exported()
    for expression in [*(panel.expression for panel in panels), *(rule["expr"] for rule in RULES)]:
        asked = set(METRIC.findall(expression))
        assert asked
        assert asked <= exported, expression


def test_the_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in load_builder().build()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_is_tested_in_silence_and_in_alarm_and_says_what_to_do(rule: Any) -> None:
    name = rule["alert"]
    cases = [
        case for test in TESTS for case in test["alert_rule_test"] if case["alertname"] == name
    ]
    assert any(not case["exp_alerts"] for case in cases)
    assert any(case["exp_alerts"] for case in cases)
    assert {"summary", "remedy"} == set(rule["annotations"])
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert f"`{name}`" in WATCHING


def test_no_metric_of_the_page_on_watching_is_unknown() -> None:
    named = set(METRIC.findall(WATCHING)) - {"booktape_textfile"}
    assert named <= find_exported()


def test_every_metric_is_on_the_page_on_watching() -> None:
    named = set(re.findall(r"`(\w+)`", WATCHING))
    missing = {name.removeprefix("booktape_") for name in find_exported()} - named
    assert set() == missing


def test_there_is_nothing_else_in_the_folder() -> None:
    expected = {"alerts.yml", "alerts_test.yml", "build.py", "dashboard.json"}
    names = {path.name for path in MONITORING.iterdir() if not path.name.startswith("__")}
    assert expected == names
    assert Path(MONITORING / "build.py").stat().st_size > 0
