import pytest

from booktape import memory


class Libc:
    """Remembers what it was asked."""

    def __init__(self, *names: str) -> None:
        self.calls: list[tuple[object, ...]] = []
        for name in names:
            setattr(self, name, lambda *arguments, name=name: self.calls.append((name, *arguments)))


def test_malloc_keeps_little(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Libc("mallopt", "malloc_trim")
    monkeypatch.setattr(memory, "_libc", libc)
    memory.bound_memory()
    memory.give_back()
    arenas, mapped, trimmed = (
        ("mallopt", -8, 2),
        ("mallopt", -3, 4 << 20),
        ("mallopt", -1, 64 << 20),
    )
    assert [arenas, mapped, trimmed, ("malloc_trim", 0)] == libc.calls


def test_another_c_library_does_as_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Libc()
    monkeypatch.setattr(memory, "_libc", libc)
    memory.bound_memory()
    memory.give_back()
    assert [] == libc.calls


def test_the_real_one_takes_it() -> None:
    memory.bound_memory()
    memory.give_back()
