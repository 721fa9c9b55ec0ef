"""Each command is where a reader looks for it."""

import re

from booktape.commands.main import find_commands
from tests.support.paths import ROOT


def test_every_command_is_in_the_list_of_the_readme_and_every_one_of_the_list_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [listed] = re.findall(r"^## Commands\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (`booktape .*?) \| \S", listed, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`booktape (\w+)`", row)]
    assert sorted(command.name for command in find_commands()) == sorted(named)
