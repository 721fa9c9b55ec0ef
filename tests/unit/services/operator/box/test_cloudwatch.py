from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote_to_bytes

import pytest
from typing_extensions import override

from services.operator.box.cloudwatch import publish

ASKED: list[bytes] = []


class CloudWatch(BaseHTTPRequestHandler):
    """Takes figures, as its interface does."""

    def do_POST(self) -> None:
        ASKED.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("cell", "told"), [("tokyo", b"tokyo"), ("", b"-")])
def test_each_figure_is_published_by_its_name_in_the_namespace_of_its_cell(
    cell: str, told: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, text in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }.items():
        monkeypatch.setenv(name, text)
    with HTTPServer(("127.0.0.1", 0), CloudWatch) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.handle_request)
        thread.start()
        publish({"FeedsDown": 2.0}, namespace="booktape/prod", cell=cell)
        thread.join()
    asked = ASKED.pop()
    for word in (b"booktape/prod", b"FeedsDown", b"Cell", told):
        assert word in unquote_to_bytes(asked)
