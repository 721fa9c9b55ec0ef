"""A real Prometheus that scrapes one address each second, on loopback."""

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.process.standing import wait_until
from tests.support.paths import ROOT

CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{rules}']
scrape_configs: [{{job_name: booktape, static_configs: [{{targets: ['{target}']}}]}}]
"""


class Prometheus:
    """The server, until the block ends."""

    def __init__(self, folder: Path, target: str, *, port: int) -> None:
        folder.mkdir()
        rules = ROOT / "monitoring" / "alerts.yml"
        conf = folder / "prometheus.yml"
        conf.write_text(CONFIGURATION.format(rules=rules, target=target), encoding="utf-8")
        self._url = f"http://127.0.0.1:{port}"
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={conf}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Return each series that an expression has now."""
        query = urllib.parse.urlencode({"query": expression})
        data = self._get(f"/api/v1/query?{query}")
        result: list[dict[str, Any]] = data["result"]
        return result

    def value(self, expression: str) -> float | None:
        """Return the one value of an expression."""
        found = self.ask(expression)
        return float(found[0]["value"][1]) if found else None

    def alarms(self) -> list[str]:
        """Return the alarms that fire."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        return [alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"]

    def is_ready(self) -> bool:
        """Say whether it has scraped."""
        try:
            return self.value("up") == 1
        except OSError:
            return False

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return json.load(answer)["data"]

    def __enter__(self) -> Self:
        wait_until(self.is_ready)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
