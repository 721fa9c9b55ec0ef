"""A release names the running code: its version, with the commit if the build knew it."""

from typing import Final

VERSION: Final = "0.1.0"
COMMIT: Final = ""  # 40 hex digits; `deploy/wheel` writes them into its own copy of this
_DIGITS: Final = 12  # of a commit, enough to name it in any project


def name_release(version: str, commit: str) -> str:
    """Return the name of a release; without a commit it is the version alone."""
    return f"{version}+g{commit[:_DIGITS]}" if commit else version


RELEASE: Final = name_release(VERSION, COMMIT)
WRITER: Final = f"booktape {RELEASE}"
