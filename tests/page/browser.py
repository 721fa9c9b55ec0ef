"""Debian's Chromium without a screen, and what a person would see in it."""

import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WAIT_S = 90.0
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


class Browser:
    """One window, until the block ends."""

    def __init__(self) -> None:
        """Start it."""
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def show(
        self, url: str, *, width: int = 1280, height: int = 900, scheme: str = "light"
    ) -> None:
        """Open an address in a window of this size, for eyes that like it light or dark."""
        self._command("Emulation.setDeviceMetricsOverride", _metrics(width, height))
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._command("Emulation.setEmulatedMedia", {"features": [feature]})
        self._driver.get(url)

    def ask(self, script: str, *arguments: object) -> Any:
        """Return what a script finds."""
        return self._driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """Return what an element says."""
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return str(self.ask(script, selector))

    def count(self, selector: str) -> int:
        """Return how many elements there are."""
        return int(self.ask("return document.querySelectorAll(arguments[0]).length", selector))

    @property
    def frames(self) -> int:
        """Return how many messages of the stream the page has shown."""
        return int(self.ask("return document.body.dataset.frames"))

    def wait(self, is_so: Callable[[], object], what: str) -> None:
        """Look again and again until it is so."""
        end_s = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < end_s, f"it never came to be: {what}"
            time.sleep(0.2)

    def wait_frames(self, number: int = 3) -> None:
        """Wait for so many more messages."""
        before = self.frames
        self.wait(lambda: self.frames >= before + number, f"{number} messages")

    def complaints(self, *, but: str = "") -> list[str]:
        """Return what the console complains of since it was asked last."""
        entries = self._driver.get_log("browser")
        texts = [
            str(entry["message"]) for entry in entries if entry["level"] in {"SEVERE", "WARNING"}
        ]
        return [text for text in texts if not but or but not in text]

    def take_picture(self, path: Path, *, is_live: bool = True) -> None:
        """Write a picture of the whole page."""
        width, height = self.ask("return [innerWidth, document.documentElement.scrollHeight]")
        self._command("Emulation.setDeviceMetricsOverride", _metrics(width, height))
        if is_live:
            self.wait_frames(2)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._driver.save_screenshot(str(path))

    def show_as_paper(self) -> None:
        """Show the page as it is printed."""
        self._command("Emulation.setEmulatedMedia", {"media": "print"})

    def print_page(self) -> bytes:
        """Return the page as a PDF."""
        printed = self._driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
        return b64decode(printed["data"])

    def _command(self, name: str, arguments: Mapping[str, object]) -> None:
        self._driver.execute_cdp_cmd(name, dict(arguments))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.quit()


def _metrics(width: int, height: int) -> dict[str, object]:
    return {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
