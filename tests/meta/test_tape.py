"""docs/tape.md says what the code does, list by list."""

import ast
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from booktape.books.spans import ENDING
from booktape.certificate import (
    Certificate,
    CertifiedGap,
    CertifiedManifest,
    DailyEntry,
    MissingEvents,
    Offsets,
    SymbolFigures,
    TableRows,
    certificate_key,
    daily_key,
)
from booktape.keys import TABLES, manifest_key, segment_key
from booktape.manifest import FOOTERS_SINCE, MANIFEST_VERSIONS_READ, Manifest, TableEntry
from booktape.tables import (
    FIELD_ID,
    RELEASE_KEY,
    SCHEMA_KEY,
    SCHEMAS,
    SCHEMAS_BY_VERSION,
    WRITER_KEY,
)
from services.simulator.found import find_names, load
from shared.event import Kind, ListingReason, MarketStatus
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "tape.md").read_text(encoding="utf-8")
SESSION = "20261122T091500.123456Z-bitvavo-a"
PLACE = ("bitvavo", "2026-11-22", SESSION, 7, 12)
CODE = re.compile(r"`([^`]+)`")


def section(heading: str) -> str:
    """Return the text below a heading, up to the next one."""
    _, _, rest = TEXT.partition(f"\n{heading}\n")
    assert rest, heading
    return re.split(r"^#{2,3} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def tables_of(heading: str) -> list[list[list[str]]]:
    """Return the tables below a heading: their rows, without the head, cell by cell."""
    blocks = re.findall(r"(?:^\|.*\n)+", section(heading), re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()[2:]]
        for block in (block.replace("|\n", "\n").replace("\n|", "\n") for block in blocks)
    ]


def codes(text: str) -> list[str]:
    return CODE.findall(text)


TYPES = {name: codes(arrow)[0] for name, arrow in tables_of("## Tables")[0]}


def test_keys_are_as_the_page_says() -> None:
    named = {
        "<root>/": "", "<table>": "book", "<exchange>": "bitvavo", "<date>": "2026-11-22",
        "<session>": SESSION, "<first>": f"{7:012}", "<last>": f"{12:012}",
    }  # fmt: skip
    keys = re.findall(r"^<root>.*$", section("## Keys"), re.MULTILINE)
    for name, value in named.items():
        keys = [key.replace(name, value) for key in keys]
    assert [segment_key("book", *PLACE), manifest_key(*PLACE)] == keys


def test_there_is_a_list_of_columns_for_each_table() -> None:
    assert list(TABLES) == re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_as_the_page_says(table: str) -> None:
    found = []
    for number, column, type_, since, _ in tables_of(f"### `{table}`")[0]:
        found.append(
            (int(number), codes(column)[0], TYPES[type_], column.endswith("?"), int(since))
        )
    expected = [
        (int(field.metadata[FIELD_ID]), field.name, str(field.type), field.nullable, since)
        for field in SCHEMAS[table]
        for since in [find_version(table, field.name)]
    ]
    assert expected == found


def find_version(table: str, column: str) -> int:
    schemas = {version: tables.get(table) for version, tables in SCHEMAS_BY_VERSION.items()}
    return min(version for version, schema in schemas.items() if schema and column in schema.names)


@pytest.mark.parametrize(
    ("column", "names"), [("status", get_args(MarketStatus)), ("reason", get_args(ListingReason))]
)
def test_what_a_market_can_be_is_as_the_page_says(column: str, names: tuple[str, ...]) -> None:
    [what] = [row[-1] for row in tables_of("### `instruments`")[0] if row[1] == f"`{column}`"]
    assert list(names) == codes(what)


# --- rows about the feed ------------------------------------------------------------------------

ROWS = {codes(kind)[0]: detail for kind, detail, _ in tables_of("## Rows about the feed")[0]}


def test_every_kind_of_row_is_there_and_no_other() -> None:
    assert list(get_args(Kind)) == list(ROWS)


def written() -> Iterator[tuple[str, set[str]]]:
    """Yield each kind that the code names in a call, and what it says with it."""
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services/buffer_writer").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {each.value for each in node.args if isinstance(each, ast.Constant)}
                for kind in sorted(set(get_args(Kind)) & named):
                    yield kind, {word.arg for word in node.keywords if word.arg}


OF_NO_DETAIL = {"sequence_expected", "sequence_received", "detail"}


def test_what_a_row_says_is_on_the_page() -> None:
    found = list(written())
    assert {"connected", "disconnected", "stale", "gap", "session_end"} <= {
        kind for kind, _ in found
    }
    for kind, words in found:
        assert words - OF_NO_DETAIL <= set(codes(ROWS[kind])), kind


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("connection", {"connected", "subscribed", "stale", "disconnected"}),
        ("symbols", {"session_start", "subscribed", "stale", "disk_full", "disconnected"}),
        ("session_before", {"session_start"}),
    ],
)
def test_what_version_2_brought_is_where_readers_look_for_it(key: str, kinds: set[str]) -> None:
    assert kinds == {kind for kind, detail in ROWS.items() if key in codes(detail)}


# --- manifests, footers -------------------------------------------------------------------------


def test_manifests_are_as_the_page_says() -> None:
    of_all, of_entry = tables_of("## Manifests")
    assert list(Manifest.__struct_fields__) == [codes(row[0])[0] for row in of_all]
    assert list(TableEntry.__struct_fields__) == [codes(row[0])[0] for row in of_entry]
    newer = {codes(row[0])[0] for row in of_all + of_entry if row[1] != "1"}
    assert {"footer_bytes", "footer_crc32c"} == newer
    assert {str(FOOTERS_SINCE)} == {row[1] for row in of_entry if codes(row[0])[0] in newer}


def test_footers_and_versions_are_as_the_page_says() -> None:
    keys, versions = tables_of("## Versions")
    expected = [key.decode() for key in (SCHEMA_KEY, WRITER_KEY, RELEASE_KEY)]
    assert expected == [codes(row[0])[0] for row in keys]
    for version, schemas in SCHEMAS_BY_VERSION.items():
        said: dict[bytes, Any] = next(iter(schemas.values())).metadata
        known = [codes(row[0])[0] for row in keys if int(row[1]) <= version]
        assert known == [key.decode() for key in said]
    assert list(MANIFEST_VERSIONS_READ) == [int(row[0]) for row in versions]
    assert list(SCHEMAS_BY_VERSION[1]) == codes(versions[0][1])


# --- certified days -----------------------------------------------------------------------------


def test_certificates_are_as_the_page_says() -> None:
    *_, of_all, of_symbol = tables_of("## Certified days")
    assert list(Certificate.__struct_fields__) == [codes(row[0])[0] for row in of_all]
    assert list(SymbolFigures.__struct_fields__) == [codes(row[0])[0] for row in of_symbol]
    keys = re.findall(r"^<root>.*$", section("## Certified days"), re.MULTILINE)
    named = {"<root>/": "", "<table>": "book", "<exchange>": "bitvavo", "<date>": "2026-11-22"}
    for name, value in {**named, "<revision>": "3"}.items():
        keys = [key.replace(name, value) for key in keys]
    place = "bitvavo", "2026-11-22", 3
    assert [daily_key("book", *place), certificate_key(*place)] == keys


def test_parts_of_certificates_are_as_the_page_says() -> None:
    [parts] = tables_of("### Parts of a certificate")
    said = [(part, re.sub(r"\([^)]*\)|:.*|, as .*", "", fields)) for part, fields in parts]
    kinds = (CertifiedManifest, TableRows, DailyEntry, MissingEvents, CertifiedGap, Offsets)
    expected = [set(kind.__struct_fields__) for kind in kinds]
    assert expected == [set(codes(fields)) for _, fields in said]


# --- reading ------------------------------------------------------------------------------------


def test_rows_that_end_spans_are_as_the_page_says() -> None:
    _, ends = tables_of("## Reading")
    assert sorted(ENDING) == sorted({kind for row in ends for kind in codes(row[0])})


def test_each_fault_of_a_simulator_has_its_rows_on_the_page() -> None:
    faults = {fault for name in find_names() for fault in load(name).faults}
    cells = re.findall(r"^\|[^|]*\|([^|]*)\|", section("## Audits"), re.MULTILINE)
    assert faults == set(re.findall(r"`([a-z_0-9]+)`", " ".join(cells)))
