"""Holds the prose of docstrings: a first sentence names its file's thing, at once and shortly."""

import ast
import re

from tests.meta.test_tidy import TREES

WORDS_MAX = 25
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
ROOMS = {"booktape", "services", "shared", "benchmarks"}
# A sentence that begins so has to be read to its end before it says what it is about.
EMPTY_OPENING = re.compile(
    r"(?:This|There|That|It|What|Who|Whose|Whom|Which|How|When|Where|Whether|Why|Everything|Say)\b"
)

MODULES = [
    path
    for path in TREES
    if path.parts[0] in ROOMS or path.parts[:2] == ("tests", "support")
    if path.name not in {"__init__.py", "__main__.py"}
]


def find_first_sentence(tree: Documented) -> str:
    return (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")


def find_root(word: str) -> str:
    """Return the part that `certify`, `certifies` and `certifier` share."""
    singular = word.lower().removesuffix("s")
    stem = re.sub(r"(?:ying|ing|i?[eo]r|ied|ed|ie|y|e)$", "", singular)
    return re.sub(r"(.)\1$", r"\1", stem)


def test_words_of_one_root_are_told_from_others() -> None:
    assert {"certif"} == {find_root(word) for word in ("certify", "Certifies", "certifier")}
    assert {"da"} == {find_root(word) for word in ("day", "days")}
    assert {"stop"} == {find_root(word) for word in ("stopping", "stop", "Stops")}
    assert {"merg"} == {find_root(word) for word in ("merging", "Merges", "merge")}
    assert find_root("threads") != find_root("thrift")


def test_a_first_sentence_names_what_its_file_is_named_for() -> None:
    nameless = []
    for path in MODULES:
        # A `main` is named for its folder.
        name = path.parent.name if path.stem == "main" else path.stem
        said = {find_root(word) for word in re.findall(r"\w+", find_first_sentence(TREES[path]))}
        words = {find_root(word) for word in name.split("_")}
        if not words <= said and not words <= {find_root(name) for name in said}:
            nameless.append(str(path))
    assert [] == nameless


def test_a_first_sentence_is_short() -> None:
    sentences = {str(path): find_first_sentence(TREES[path]) for path in MODULES}
    assert {} == {p: text for p, text in sentences.items() if len(text.split()) > WORDS_MAX}


def test_a_first_sentence_opens_with_its_subject() -> None:
    opened_empty = [
        f"{path}: {sentence}"
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, Documented)
        for sentence in [find_first_sentence(node)]
        if EMPTY_OPENING.match(sentence)
    ]
    assert [] == opened_empty
