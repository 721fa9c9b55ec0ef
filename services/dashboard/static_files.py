"""Reads the page's static files once, so that no request waits for a disk."""

from pathlib import Path
from typing import Final

from services.dashboard.answers import Page

FOLDER: Final = Path(__file__).parent / "static"
INDEX: Final = "index.html"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


def read_pages(folder: Path = FOLDER) -> dict[str, Page]:
    """Return every file by its path on the page."""
    pages = {
        f"/static/{path.name}": Page(path.read_bytes(), TYPES[path.suffix])
        for path in sorted(folder.iterdir())
    }
    return {"/": pages.pop(f"/static/{INDEX}"), **pages}
