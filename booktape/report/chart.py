"""Draws a chart of the premium of one market over another, to be zoomed, by uPlot."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct

POINTS_MAX: Final = 2000
COLUMNS: Final = ("mid_spread_bps", "a_to_b_edge_bps", "b_to_a_edge_bps")
_NAMES: Final = ("premium of the middles", "edge: buy A, sell B", "edge: buy B, sell A")


class Premium(Struct, frozen=True):
    """Rows of `tape.spread`: its times in µs, and its columns; null where a leg is unknown."""

    a: str
    b: str
    ts: list[int]
    columns: list[list[float | None]]


def read_premium(a: str, b: str, batches: Iterable[Any]) -> Premium:
    """Return the rows from the first to the last that is known, no more of them than are seen."""
    ts: list[int] = []
    columns: list[list[float | None]] = [[] for _ in COLUMNS]
    for batch in batches:
        ts += batch.column("ts").cast("int64").to_pylist()
        for name, column in zip(COLUMNS, columns, strict=True):
            column.extend(batch.column(name).to_pylist())
    known = [row for row, value in enumerate(columns[0]) if value is not None]
    begin, end = (max(known[0] - 1, 0), known[-1] + 2) if known else (0, len(ts))
    ts, columns = ts[begin:end], [column[begin:end] for column in columns]
    kept = thin(columns)
    return Premium(a, b, [ts[row] for row in kept], [[one[row] for row in kept] for one in columns])


def thin(columns: Sequence[Sequence[float | None]]) -> list[int]:
    """Return the rows to draw: of each stretch its least and its most value, and its last null."""
    count = len(columns[0])
    size = -(-count * 3 // POINTS_MAX)
    if size <= 3:  # noqa: PLR2004 (nothing to leave out)
        return list(range(count))
    kept = set()
    first = columns[0]
    for begin in range(0, count, size):
        rows = range(begin, min(begin + size, count))
        known = [row for row in rows if first[row] is not None]
        kept |= {row for row in (rows[-1],) if first[row] is None}
        kept |= {row for row in rows[:1] if first[row] is None}
        if known:
            kept |= {min(known, key=lambda row: first[row] or 0.0)}
            kept |= {max(known, key=lambda row: first[row] or 0.0)}
        unknown = next((row for row in rows if first[row] is None), None)
        kept |= {unknown} if unknown is not None else set()
    return sorted(kept)


def make_chart(premium: Premium) -> str:
    """Return the chart with what draws it; a null breaks a line."""
    rounded = [
        [None if value is None else round(value, 2) for value in column]
        for column in premium.columns
    ]
    data = json.dumps([[ts / 1e6 for ts in premium.ts], *rounded], separators=(",", ":"))
    known = sum(value is not None for value in premium.columns[0])
    text = (
        f"<p><b>A</b> {escape(premium.a)}, <b>B</b> {escape(premium.b)}; basis points, at the "
        f"books' best prices of the same instant. Drag to zoom, double-click for all. "
        f"{known} of {len(premium.ts)} points are known; a gap is no line.</p>"
    )
    names = json.dumps(_NAMES)
    script = _SCRIPT.replace("DATA", data).replace("NAMES", names)
    library = (files("booktape.report") / "uplot.js").read_text(encoding="utf-8")
    return f"{text}<div id=chart></div><script>{library}</script><script>{script}</script>"


_SCRIPT: Final = """
const data = DATA, names = NAMES, place = document.getElementById("chart");
const probe = place.appendChild(document.createElement("i"));
function style(name) {  // as the page has it now: a canvas knows nothing of light and dark
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
const clock = (_, ticks) => ticks.map(ts => new Date(ts * 1e3).toISOString().slice(11, 19));
let chart;
function draw() {
  if (chart) chart.destroy();
  const line = {stroke: style("--line")}, axis = {stroke: style("--text"), grid: line, ticks: line};
  chart = new uPlot({
    width: place.clientWidth, height: 340, tzDate: ts => uPlot.tzDate(new Date(ts * 1e3), "UTC"),
    scales: {x: {time: true}}, axes: [{...axis, values: clock, space: 70}, {...axis, size: 56}],
    series: [{label: "UTC"}, ...names.map((label, place) => ({
      label, stroke: style("--series-" + place), width: place ? 1 : 2,
      spanGaps: false, points: {show: false},
    }))],
  }, data, place);
}
draw();
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
"""
