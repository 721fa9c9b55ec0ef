"""Runs a notebook where it lies; prints it with what its cells put out, or writes it back."""

import sys
from pathlib import Path
from typing import Any

# Only where requirements/readers.txt is installed.
import nbformat  # type: ignore[import-not-found] # pyright: ignore[reportMissingImports]
from nbclient import (  # type: ignore[import-not-found] # pyright: ignore[reportMissingImports]
    NotebookClient,
)

TIMEOUT_S = 120


def main() -> None:
    path = Path(sys.argv[1])
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=TIMEOUT_S, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata = {}  # when it ran
        if "outputs" in cell:
            cell.outputs = _join(cell.outputs)
    notebook.metadata.language_info = {"name": "python"}  # and on which version
    to = path if sys.argv[2:] == ["--write"] else sys.stdout
    nbformat.write(notebook, to)


def _join(outputs: list[Any]) -> list[Any]:
    """Return the outputs with each text whole: a slow kernel sends it in pieces."""
    joined: list[Any] = []
    for output in outputs:
        is_text = output.output_type == "stream"
        if is_text and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


if __name__ == "__main__":
    main()
