"""Metrics as text."""

from math import nan

from services.operator.metrics.exposition import Family, Sample, format_open, format_text

COUNTER = Family("cuts_total", "counter", "Cuts\\of all.", [Sample({"by": 'a"\\\nb'}, 1e16)])
GAUGE = Family("depth", "gauge", "How deep.", [Sample({}, 0.25), Sample({"at": "x"}, nan)])


def test_the_text_has_help_type_and_samples_of_each_family() -> None:
    assert (
        "# HELP booktape_cuts_total Cuts\\\\of all.\n"
        "# TYPE booktape_cuts_total counter\n"
        'booktape_cuts_total{by="a\\"\\\\\\nb"} 10000000000000000\n'
        "# HELP booktape_depth How deep.\n"
        "# TYPE booktape_depth gauge\n"
        "booktape_depth 0.25\n"
        'booktape_depth{at="x"} NaN\n'
    ) == format_text([COUNTER, GAUGE])


def test_openmetrics_names_a_counters_family_without_total_and_has_an_end() -> None:
    text = format_open([COUNTER])
    assert "# TYPE booktape_cuts counter\n" in text
    assert 'booktape_cuts_total{by="a\\"' in text
    assert text.endswith("\n# EOF\n")


def test_a_statement_is_a_number() -> None:
    assert "booktape_up 1\n" in format_text([Family("up", "gauge", "Up.", [Sample({}, bool("x"))])])
