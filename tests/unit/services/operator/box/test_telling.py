from pathlib import Path

import pytest

from services.operator.box import telling
from shared.process.settings import load


def test_what_is_told_is_in_the_namespace_that_the_stack_gave_and_of_the_box_s_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[dict[str, float], str, str]] = []
    monkeypatch.setattr(
        telling,
        "publish",
        lambda figures, *, namespace, cell: told.append((figures, namespace, cell)),
    )
    state = {"BOOKTAPE__STATE__PATH": str(tmp_path), "BOOKTAPE__STATE__CELL": "tokyo"}
    settings = load(state, tmp_path, exchanges={})
    assert 0 == telling.run(settings, {"BOOKTAPE_NAMESPACE": "booktape/prod"})
    [(figures, namespace, cell)] = told
    assert ("booktape/prod", "tokyo") == (namespace, cell)
    assert {"FeedsDown", "BytesWaiting", "DiskUsedPercent"} <= set(figures)
