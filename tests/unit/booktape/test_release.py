from booktape import __version__
from booktape.release import COMMIT, RELEASE, WRITER, name_release

HEAD = "0123456789abcdef0123456789abcdef01234567"


def test_a_tree_that_nobody_built_knows_no_commit() -> None:
    assert "" == COMMIT
    assert __version__ == RELEASE
    assert f"booktape {__version__}" == WRITER


def test_a_build_is_named_by_its_commit_too() -> None:
    assert "0.1.0+g0123456789ab" == name_release("0.1.0", HEAD)
    assert "0.1.0" == name_release("0.1.0", "")
