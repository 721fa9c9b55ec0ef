"""The files of the page."""

import hashlib
import re

from services.dashboard.static_files import FOLDER, read_pages

# uPlot 1.6.32 as its author published it: dist/uPlot.iife.min.js, dist/uPlot.min.css, LICENSE.
VENDORED = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot-license.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
PAGES = read_pages()


def test_every_file_is_served_with_its_type() -> None:
    served = {path.removeprefix("/static/") for path in PAGES if path != "/"}
    assert {path.name for path in FOLDER.iterdir()} == {*served, "index.html"}
    assert "text/html; charset=utf-8" == PAGES["/"].content_type
    assert "text/javascript; charset=utf-8" == PAGES["/static/page.js"].content_type


def test_what_is_not_ours_is_as_it_was_published() -> None:
    hashes = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in VENDORED}
    assert VENDORED == hashes
    assert b"MIT License" in (FOLDER / "uplot-license.txt").read_bytes()


def test_the_page_asks_nobody_else_and_has_no_script_or_style_of_its_own() -> None:
    page = PAGES["/"].body.decode()
    asked = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert asked
    assert [] == [path for path in asked if path not in PAGES]
    assert not re.search(r"<script>|<style|style=|\son\w+=", page)
    ours = [body.body.decode() for path, body in PAGES.items() if "uplot" not in path]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", "".join(ours))
    assert not re.search(r"innerHTML|eval\(|setAttribute\(.style", "".join(ours))


def test_what_the_scripts_import_is_there() -> None:
    for path, page in PAGES.items():
        if path.endswith(".js"):
            for name in re.findall(
                r'^import .* from "\./([^"]+)"', page.body.decode(), re.MULTILINE
            ):
                assert f"/static/{name}" in PAGES


def test_the_verdict_is_told_to_who_cannot_see_it() -> None:
    assert re.search(r'id="verdict" role="status"', PAGES["/"].body.decode())
