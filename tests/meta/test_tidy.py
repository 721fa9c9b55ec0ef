import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FUNCTION_LINES_MAX = 50
MODULE_LINES_MAX = 300

SUFFIXES = {".py", ".md", ".toml", ".in", ".txt", ".conf", ".yaml", ".yml", ".json", ".sh"}
NAMES = {"Makefile", "LICENSE", ".gitignore", "run"}
# Made here, or recorded elsewhere: not written by us.
SKIPPED = {"data", "var", "dist", "build", "recordings", "__pycache__"}
SHOWN = {".ci", ".github"}

UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b(?!\(#\d+\))")
OF_ONE_MACHINE = re.compile(r"(?<![\w.}-])/(?:work|root|Users|home/(?!ec2-user))/?\b")
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|docker\.io|ghcr\.io|quay\.io|golang\.org"
    r"|--(?:extra-)?index[-]url|--find[-]links|--trusted[-]host"
)


def find_texts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in SKIPPED and (path.name in SHOWN or path.name[0] != "."):
                yield from find_texts(path)
        elif path.suffix in SUFFIXES or path.name in NAMES:
            yield path.relative_to(ROOT)


TEXTS = {path: (ROOT / path).read_text(encoding="utf-8") for path in find_texts(ROOT)}
TREES = {path: ast.parse(text) for path, text in TEXTS.items() if path.suffix == ".py"}
MODULES = [path for path in TREES if path.parts[0] in {"booktape", "services", "shared"}]


def test_there_is_something_to_check() -> None:
    expected = {
        "Makefile",
        "pyproject.toml",
        ".ci/run",
        "shared/errors.py",
        "tests/meta/test_tidy.py",
    }
    assert expected <= {str(path) for path in TEXTS}


def test_a_function_fits_on_a_screen() -> None:
    too_long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert [] == too_long


def test_a_module_is_short() -> None:
    lengths = {path: len(TEXTS[path].splitlines()) for path in MODULES}
    assert {} == {str(path): n for path, n in lengths.items() if n > MODULE_LINES_MAX}


def test_a_module_opens_with_one_sentence() -> None:
    openings = {
        path: (ast.get_docstring(TREES[path]) or "").split("\n\n")[0].replace("\n", " ")
        for path in MODULES
    }
    sentence = re.compile(r"(?:(?!\. [A-Z]).)+\.")
    assert [] == [str(path) for path, text in openings.items() if not sentence.fullmatch(text)]


def test_an_init_holds_a_docstring_and_nothing_else() -> None:
    face = Path("booktape/__init__.py")  # what a reader imports
    inits = {path: t for path, t in TREES.items() if path.name == "__init__.py" and path != face}
    assert [] == [
        str(path)
        for path, tree in inits.items()
        if len(tree.body) != 1 or not ast.get_docstring(tree)
    ]


def test_a_module_has_a_test_file_of_its_own() -> None:
    # The declarations of the exchanges are held to their promises by tests/exchange.
    without = {"__init__.py", "__main__.py"}
    modules = [path for path in MODULES if path.name not in without and "ingest_" not in str(path)]
    tests = {path: Path("tests/unit") / path.with_name(f"test_{path.name}") for path in modules}
    assert [] == [str(path) for path, test in tests.items() if test not in TREES]


def test_no_two_classes_have_one_name() -> None:
    # A private one is a word of its own module alone, as is the form of a message on the wire.
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path))
    assert {} == {name: paths for name, paths in places.items() if len(paths) > 1}


def test_a_verb_of_many_meanings_names_its_object() -> None:
    bare = {"answer", "settle", "hold", "cut"}
    assert [] == [
        f"{path}:{node.lineno} {node.name}"
        for path in MODULES
        if path.parts[0] != "booktape"
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_") in bare
    ]


def test_one_module_alone_knows_the_layout_of_the_state_folder() -> None:
    names = {"journal", "spool", "sessions", "status", "locks", "limits", "log", "run", "conflict"}
    found = [
        f"{path}:{node.lineno} {node.right.value}"
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if isinstance(node.right, ast.Constant) and node.right.value in names
        if path != Path("shared/process/state.py")
    ]
    assert [] == found


@pytest.mark.parametrize(
    "pattern",
    [UNFINISHED, OF_ONE_MACHINE, REGISTRY],
    ids=["is unfinished", "knows one machine", "names a registry"],
)
def test_no_text_says_what_it_should_not(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}:{number} {line.strip()}"
        for path, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert [] == found
