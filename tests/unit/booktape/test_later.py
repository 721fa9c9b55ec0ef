import sys

import pytest

from booktape.later import LaterModule


def test_a_module_is_loaded_by_the_first_use_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    later = LaterModule("colorsys")
    assert "colorsys" not in sys.modules
    assert (0.0, 0.0, 1.0) == later.rgb_to_hsv(1.0, 1.0, 1.0)
    assert "colorsys" in sys.modules
    with pytest.raises(AttributeError, match="no attribute 'shade'"):
        later.shade  # noqa: B018 (that is the fault)
