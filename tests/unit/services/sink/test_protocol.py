from services.sink.cursor import SinkCursor
from services.sink.line_store import LineStore
from services.sink.protocol import Sink, SinkFailed, SinkProgress


def test_what_a_sink_is_made_of_keeps_its_protocols() -> None:
    kinds: tuple[type[Sink], type[SinkProgress]] = LineStore, SinkCursor
    assert all(callable(kind.__init__) for kind in kinds)


def test_a_failure_says_how_long_to_wait_at_least() -> None:
    assert (0.0, 7.0) == (
        SinkFailed("busy").retry_after_s,
        SinkFailed("busy", retry_after_s=7.0).retry_after_s,
    )
