"""Makes a tree of the project with the toy as one more exchange, as docs/exchanges.md says.

It is unlike the others: it numbers by ranges, begins its books over REST, wants to be pinged in
JSON, and only its list of markets knows its names.
"""

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

TOY: Final = ROOT / "tests/support/toy_exchange"
PACKAGES: Final = ("booktape", "services", "shared")
# Beside them: what the exchange is to be registered in, and what the tests of the tree look at.
FILES: Final = ("booktape.toml", "supervisor.conf", "pyproject.toml", "README.md")
FOLDERS: Final = ("docs", "deploy", "cloudformation")
# What it declares, and what the file of the tree must say.
DECLARED: Final = {
    "symbols": '["ACORN-NUT", "BERRY-NUT"]',
    "symbols_per_socket": "1",
    "read_interval_ms": "0.0",
    "websocket_url": '"wss://toy.example/stream"',
    "rest_url": '"https://toy.example"',
}


def make_tree(folder: Path, *, with_tests: bool = False) -> Path:
    """Copy the project into the folder, and add the toy."""
    copied = (*PACKAGES, *FOLDERS, "tests") if with_tests else PACKAGES
    for name in copied:
        ignored = shutil.ignore_patterns("__pycache__", "*_cache")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(TOY / "ingest_toy", folder / "services/ingest_toy")
    shutil.copytree(TOY / "simulator", folder / "services/simulator/toy")
    if with_tests:
        shutil.copytree(TOY / "recordings", folder / "tests/recordings/toy")
    _add_program(folder / "supervisor.conf")
    _add_section(folder / "booktape.toml")
    return folder


def make_command(tree: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Put the tree's own `booktape` first in the PATH; return that environment."""
    command = tree / "bin" / "booktape"
    command.parent.mkdir()
    lines = [f"#!{sys.executable}", "import sys", f"sys.path.insert(0, {str(tree)!r})"]
    lines += ["from services.__main__ import main", "sys.exit(main())"]
    command.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command.chmod(0o755)
    kept = {name: text for name, text in environment.items() if "BOOKTAPE" not in name}
    return {**kept, "PATH": f"{command.parent}:{kept['PATH']}", "PYTHONPATH": str(tree)}


def _add_program(conf: Path) -> None:
    """Add a program like that of another feed."""
    text = conf.read_text(encoding="utf-8")
    found = re.search(r"^\[program:ingest_(\w+)\]\n(?:(?!\[).*\n)*", text, re.MULTILINE)
    assert found is not None
    conf.write_text(f"{text}\n{found[0].replace(found[1], 'toy')}", encoding="utf-8")


def _add_section(toml: Path) -> None:
    """Add a section like that of another exchange, with what the toy declares."""
    text = toml.read_text(encoding="utf-8")
    found = re.search(r"^\[exchanges\.\w+\]\n(?:(?!\[).*\n?)*", text, re.MULTILINE)
    assert found is not None
    lines = found[0].splitlines()[1:]
    section = ["[exchanges.toy]"]
    for line in lines:
        key, _, _ = line.partition(" = ")
        section.append(f"{key} = {DECLARED[key]}" if key in DECLARED else line)
    toml.write_text("\n".join([text, *section]) + "\n", encoding="utf-8")
