"""What docs/performance.md says of bounds and benchmarks is what the code has."""

import re

from tests.support.paths import ROOT

PAGE = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
BOUNDS = re.findall(r"^\| .* \| (.*) \| `([\w/]+\.py)` \|$", PAGE, re.MULTILINE)
UNITS = {"": 1, "Ki": 1024, "KiB": 1024, "MiB": 1024 * 1024}


def find_values(path: str, name: str) -> list[int]:
    """Return what a module, or one that it takes its bound from, gives a name."""
    files = [ROOT / path, *sorted((ROOT / path).parent.glob("*.py"))]
    texts = (file.read_text(encoding="utf-8") for file in files)
    found = (re.search(rf"^{name}: Final = ([\d_*< ]+)", text, re.MULTILINE) for text in texts)
    return [eval(match[1]) for match in found if match]


def test_each_bound_is_where_the_page_says_with_its_number() -> None:
    assert len(BOUNDS) > 30
    wrong = []
    for text, path in BOUNDS:
        for name, number, unit in re.findall(r"`([A-Z]\w+)`(?: ([\d,]+)(?: (Ki|KiB|MiB))?)?", text):
            values = find_values(path, name)
            if number and int(number.replace(",", "")) * UNITS[unit] not in values[:1]:
                wrong.append((path, name, values))
            if not values and not re.search(
                rf"^{name}: Final", (ROOT / path).read_text(), re.MULTILINE
            ):
                wrong.append((path, name, values))
    assert [] == wrong


def test_every_benchmark_is_on_the_page() -> None:
    code = (ROOT / "benchmarks/__main__.py").read_text(encoding="utf-8")
    names = set(re.findall(r'^        "(\w+)": ', code, re.MULTILINE))
    table = PAGE.partition("## Measured")[0]
    cells = "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    assert names == set(re.findall(r"`(\w+)`", cells)) - {"python"}


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/performance.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
