from io import StringIO

import pytest
from typing_extensions import override

from booktape.commands import bar as module
from booktape.commands.bar import Bar, format_bar


class Terminal(StringIO):
    @override
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw without waiting for what may be short work."""
    monkeypatch.setattr(module, "AFTER_S", 0.0)
    monkeypatch.setattr(module, "INTERVAL_S", 0.0)


def test_a_bar_shows_its_share() -> None:
    assert "[" + "#" * 10 + "." * 30 + "]  25%  1/4" == format_bar(1, 4)
    assert "[" + "#" * 40 + "] 100%  0/0" == format_bar(0, 0)
    assert "#" * 40 in format_bar(5, 4)
    assert "[" + "#" * 15 + "." * 25 + "]  38%  1/4" == format_bar(1.5, 4)


def test_on_a_terminal_it_is_drawn_over_itself_and_wiped_at_the_end() -> None:
    terminal = Terminal()
    with Bar(terminal) as bar:
        bar.show(1, 2)
        bar.show(2, 2)
    assert terminal.getvalue().startswith("\r[####")
    assert 3 == terminal.getvalue().count("\r")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_it_is_wiped_where_a_line_is_printed() -> None:
    terminal = Terminal()
    with Bar(terminal) as bar:
        bar.wipe()
        bar.show(1, 2)
        bar.wipe()
        assert terminal.getvalue().endswith("\r\x1b[K")
    assert 1 == terminal.getvalue().count("\x1b[K")


def test_elsewhere_and_for_short_work_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = StringIO()
    with Bar(pipe) as bar:
        bar.show(1, 2)
    assert "" == pipe.getvalue()
    monkeypatch.setattr(module, "AFTER_S", 60.0)
    terminal = Terminal()
    with Bar(terminal) as bar:
        bar.show(1, 2)
    assert "" == terminal.getvalue()
