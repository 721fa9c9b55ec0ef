from msgspec.structs import replace

from tests.support.healths import find_sentences, make_health, make_program, make_sink


def test_a_sink_that_feeds_is_no_trouble() -> None:
    assert [] == find_sentences(replace(make_health(), programs=[make_sink()]))


def test_a_store_that_gives_no_answer_is_tried_for_ever() -> None:
    sink = make_sink(state="failing", error="http://x/write: no answer in time")
    assert [
        "sink_influx cannot feed: http://x/write: no answer in time; the sink keeps trying"
    ] == find_sentences(replace(make_health(), programs=[sink]))


def test_what_a_store_will_not_have_is_the_operator_s_to_correct() -> None:
    sink = make_sink(state="failing", error="http://x/write answers 404: none", is_refused=True)
    [sentence] = find_sentences(replace(make_health(), programs=[sink]))
    assert "refuses sink_influx: http://x/write answers 404: none; the sink skips" in sentence


def test_rows_that_took_the_place_of_others_are_told() -> None:
    sink = make_sink(rows_met=2)
    [sentence] = find_sentences(replace(make_health(), programs=[sink]))
    assert sentence.startswith("2 rows that sink_influx fed replaced others")


def test_a_sink_that_died_is_a_trouble_as_of_any_program() -> None:
    dead = make_program("sink_influx", is_running=False, program_state="BACKOFF", report=None)
    [sentence] = find_sentences(replace(make_health(), programs=[dead]))
    assert sentence.startswith("sink_influx does not start; supervisord keeps trying")
