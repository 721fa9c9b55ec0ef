"""The report's page as a browser has it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from booktape.commands.main import main
from tests.support.certified import certify_all
from tests.support.commands import make_sample

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.page,
    pytest.mark.filterwarnings("ignore:replaying without the compiled engine"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
SPREAD = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
# Says of the page, in its title, what cannot be seen from outside.
PROBE = """
<script>
const canvas = document.querySelector("canvas");
const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
let drawn = 0;
for (let place = 3; place < pixels.length; place += 4) drawn += pixels[place] > 0;
const root = document.documentElement, loaded = performance.getEntriesByType("resource").length;
document.title = `${root.scrollWidth} ${innerWidth} ${drawn} ${loaded}`;
</script>
"""
# Chromium's own window is not narrower than 500.
PHONE = """
<iframe src="probed.html" width=390 height=844 style="border:0"></iframe>
<script>
onload = () => {
  const root = frames[0].document.documentElement;
  document.title = `${root.scrollWidth} ${frames[0].innerWidth}`;
};
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    tape, out = make_sample(folder), folder / "report.html"
    certify_all(tape, folder / "temporary")
    fees = ["--fee", "bitvavo=0.0025", "btcturk=0.0012"]
    arguments = ["report", str(tape), "--spread", *SPREAD, *fees, "--every", "1s"]
    assert 0 == main([*arguments, "--out", str(out)])
    return out


def browse(page: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [
        *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(
            "--hide-scrollbars",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'user'}",
        ),
        *(*options, page.as_uri()),
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True)


def find_title(dom: str) -> list[int]:
    [title] = re.findall(r"<title>([0-9 ]+)</title>", dom)
    return [int(word) for word in title.split()]


@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
def test_the_chart_is_drawn_and_nothing_is_loaded(page: Path, scheme: int) -> None:
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text(encoding="utf-8") + PROBE, encoding="utf-8")
    option = f"--blink-settings=preferredColorScheme={scheme}"
    dom = browse(probed, "--window-size=1100,900", "--dump-dom", option).stdout
    wide, window, drawn, loaded = find_title(dom)
    assert wide <= window
    assert drawn > 5_000
    assert 0 == loaded


def test_a_phone_does_not_scroll_sideways(page: Path) -> None:
    frame = page.with_name("phone.html")
    shutil.copyfile(page, page.with_name("probed.html"))
    frame.write_text(PHONE, encoding="utf-8")
    dom = browse(frame, "--allow-file-access-from-files", "--dump-dom").stdout
    wide, window = find_title(dom)
    assert 390 == window
    assert wide <= window


def test_the_dom_is_whole_and_the_console_is_silent(page: Path) -> None:
    done = browse(page, "--dump-dom")
    assert 6 == done.stdout.count("<section")
    assert 6 == len(re.findall(r'<svg[^>]*role="img"', done.stdout))
    assert "CONSOLE" not in done.stderr


def test_it_is_printed(page: Path) -> None:
    out = page.with_name("report.pdf")
    browse(page, f"--print-to-pdf={out}")
    assert out.read_bytes().startswith(b"%PDF")
    assert out.stat().st_size > 20_000
