"""Holes in the journal of a session, as the writer tells of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.delivery.pipe import WatermarkSubscriber, endpoint, open_context
from shared.ingest.holes import HoleWatch

SESSION = "20261122T091500.123456Z-toy-a"


@pytest.fixture
def watermarks(tmp_path: Path) -> Iterator[WatermarkSubscriber]:
    context = open_context()
    subscriber = WatermarkSubscriber(context, endpoint(tmp_path, "watermarks"))
    yield subscriber
    subscriber.close()
    context.term()


def test_each_hole_of_the_session_is_found_once(watermarks: WatermarkSubscriber) -> None:
    watch = HoleWatch(watermarks, SESSION)
    found: list[bool] = []
    for holes in ({}, {"another": 5}, {SESSION: 7}, {SESSION: 7}, {}, {SESSION: 7}, {SESSION: 9}):
        watermarks.holes = holes
        found.append(watch.look())
    assert [False, False, True, False, False, False, True] == found
