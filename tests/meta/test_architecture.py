"""What docs/architecture.md says of the house is what the house is."""

import ast
import re
from collections.abc import Iterator

from shared.exchange import Exchange
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SOURCES = [
    path for name in ("booktape", "services", "shared") for path in (ROOT / name).rglob("*.py")
]


def section(title: str) -> str:
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def first_column(title: str) -> set[str]:
    rows = re.findall(r"^\| (.+?) \|", section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def rooms(folder: str) -> set[str]:
    return {
        f"{folder}/{re.sub('^ingest_.+', 'ingest_<exchange>', path.name)}"
        for path in (ROOT / folder).iterdir()
        if path.name[0] not in "_." and (path.is_dir() or path.suffix == ".py")
    }


def test_every_room_is_on_the_page_and_every_room_of_the_page_is_there() -> None:
    folders = {room for room in rooms("booktape") if (ROOT / room).is_dir()}
    assert folders <= first_column("Rooms of `booktape/`")
    assert rooms("shared") == first_column("Rooms of `shared/`")
    assert rooms("services") == first_column("Rooms of `services/`")


def test_the_rooms_of_the_operator_are_named() -> None:
    text = section("Rooms of `services/`")
    found = {room.rpartition("/")[2] for room in rooms("services/operator")}
    assert found == {name for name in found if f"`{name}`" in text}


def test_what_the_page_names_is_there() -> None:
    paths = set(re.findall(r"`((?:booktape|shared|services|tests)/[\w/.]+)`", PAGE))
    assert [] == sorted(path for path in paths if not (ROOT / path).exists())
    links = set(re.findall(r"\]\(([\w.]+\.md)\)", PAGE))
    assert [] == sorted(link for link in links if not (ROOT / "docs" / link).exists())


def test_each_door_is_where_the_page_says() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| `([\w/.]+)` \|$", section("Doors"), re.MULTILINE)
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 5 == len(rows)
    for library, path in rows:
        found = re.search(
            rf'name = "One door: {library}".*?allowed_importers = \[(.*?)\]', contracts, re.DOTALL
        )
        assert found is not None, library
        assert f'"{path.removesuffix(".py").replace("/", ".")}"' in found[1]


def test_every_thread_of_ours_has_its_row() -> None:
    assert set(find_threads()) <= first_column_of_threads()


def first_column_of_threads() -> set[str]:
    return first_column("Threads")


def find_threads() -> Iterator[str]:
    """Yield the constant name of each thread that the code starts."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from thread_names(node)


def thread_names(call: ast.Call) -> Iterator[str]:
    function = call.func
    is_thread = isinstance(function, ast.Name) and function.id == "Thread"
    is_start = (
        isinstance(function, ast.Attribute)
        and function.attr == "start"
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "_threads"
    )
    names = [word.value for word in call.keywords if is_thread and word.arg == "name"]
    names += call.args[:1] if is_start else []
    for name in names:
        if isinstance(name, ast.Constant):
            yield str(name.value)


def test_words_are_in_the_page_once() -> None:
    words = re.findall(r"^\| ([^|]+) \|", section("Words"), re.MULTILINE)[2:]
    single = [word.strip() for row in words for word in row.split(",")]
    assert len(single) == len(set(single))


def test_the_page_on_exchanges_knows_every_field_of_a_declaration() -> None:
    page = (ROOT / "docs/exchanges.md").read_text(encoding="utf-8")
    fields = set(Exchange.__struct_fields__)
    named = set(re.findall(r"`(\w+)`", page))
    assert set() == fields - named
