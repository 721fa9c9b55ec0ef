"""What docs/durability.md says is what the code does."""

import re
from importlib import import_module

from tests.support.paths import ROOT

PAGE = (ROOT / "docs/durability.md").read_text(encoding="utf-8")


def test_its_figures_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([\w.]+)\.([A-Z_]+)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
    said = {(module, name): float(value) for module, name, value in rows}
    found = {(module, name): getattr(import_module(module), name) for module, name in said}
    assert said == found
    assert 8 == len(rows)


def test_what_it_names_is_there() -> None:
    paths = set(re.findall(r"`((?:booktape|shared|services|tests)/[\w/.]+)`", PAGE))
    assert 15 < len(paths)
    assert [] == sorted(path for path in paths if not (ROOT / path).exists())


def test_every_command_is_one_of_the_makefile() -> None:
    targets = set(re.findall(r"^make ([\w-]+)", PAGE, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"test", "mutants", "fuzz", "soak", "test-s3"} == targets
    known = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    assert targets <= known


def test_the_readme_leads_to_it() -> None:
    assert "(docs/durability.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
