"""Draws docs/arbitrage.svg: what an arbitrage would have earned on the sample, second by second."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import booktape
from booktape.sample.tape import write_sample

Point = tuple[float, float]
Row = dict[str, Any]

PICTURE = Path(__file__).with_name("arbitrage.svg")
WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 44, 34
LOW_BPS, HIGH_BPS, STEP_BPS = -300, 150, 50
WAYS = {
    "a_to_b": ("#1565c0", "buy on Bitvavo, sell on BtcTurk"),
    "b_to_a": ("#c62828", "buy on BtcTurk, sell on Bitvavo"),
}


def main() -> None:
    """Write the picture, into a file that may be named."""
    path = Path(sys.argv[1]) if sys.argv[1:] else PICTURE
    with TemporaryDirectory() as folder:
        write_sample(Path(folder))
        path.write_text(draw(read(folder)), encoding="utf-8")


def read(url: str) -> list[Row]:
    """Return the spread of each second."""
    spread = booktape.open(url).spread(
        "bitvavo:BTC-EUR",
        "btcturk:BTC-TRY",
        via=("bitvavo:USDT-EUR", "btcturk:USDT-TRY"),
        fees={"bitvavo": 0.0025, "btcturk": 0.0012},
        every="1s",
    )
    rows: list[Row] = spread.to_arrow().to_pylist()
    return rows


def draw(rows: list[Row]) -> str:
    """Return the picture: an edge above 0 earns, and a grey stripe is a time that is not known."""
    marks = [
        _open_svg(),
        "<title>Arbitrage between Bitvavo and BtcTurk on the sample tape, after fees</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_draw_gaps(rows),
        *_draw_axes(rows),
    ]
    for number, (way, (colour, name)) in enumerate(WAYS.items()):
        marks += _draw_way(rows, f"{way}_edge_bps", colour)
        x = LEFT + 230 * number
        marks.append(f'<rect x="{x}" y="13" width="12" height="12" fill="{colour}"/>')
        marks.append(f'<text x="{x + 18}" y="23" fill="#222222">{name}</text>')
    x = LEFT + 230 * len(WAYS)
    marks.append(f'<rect x="{x}" y="13" width="12" height="12" fill="#dddddd"/>')
    marks.append(f'<text x="{x + 18}" y="23" fill="#222222">not known</text>')
    return "\n".join([*marks, "</svg>"]) + "\n"


def _open_svg() -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11" role="img">'
    )


def _draw_axes(rows: list[Row]) -> Iterator[str]:
    for bps in range(LOW_BPS, HIGH_BPS + 1, STEP_BPS):
        y = _y(bps)
        colour = "#222222" if bps == 0 else "#e8e8e8"
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{colour}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555555">{bps}</text>'
    yield f'<text x="{LEFT - 6}" y="{TOP - 10}" text-anchor="end" fill="#555555">bps</text>'
    for place, row in enumerate(rows):
        if row["ts"].second == 0:
            x, y = _x(place, rows), HEIGHT - BOTTOM
            yield f'<path d="M{x:.1f} {y}v5" stroke="#555555"/>'
            yield (
                f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle" fill="#555555">'
                f"{row['ts']:%H:%M}</text>"
            )


def _draw_gaps(rows: list[Row]) -> Iterator[str]:
    for is_known, group in groupby(enumerate(rows), lambda item: _is_known(item[1])):
        places = [place for place, _ in group]
        if not is_known:
            x, width = _x(places[0] - 0.5, rows), _x(places[-1] + 0.5, rows)
            yield (
                f'<rect x="{x:.1f}" y="{TOP}" width="{width - x:.1f}" '
                f'height="{HEIGHT - TOP - BOTTOM}" fill="#dddddd"/>'
            )


def _draw_way(rows: list[Row], column: str, colour: str) -> Iterator[str]:
    """Draw a line that breaks where nothing is known, and fill what lies above 0."""
    for is_known, group in groupby(enumerate(rows), lambda item: _is_known(item[1])):
        if not is_known:
            continue
        edges = [(_x(place, rows), row[column]) for place, row in group]
        line = _join([(x, _y(edge)) for x, edge in edges])
        gain = _join([(x, _y(max(edge, 0.0))) for x, edge in edges])
        zero = _y(0)
        area = f"M{edges[0][0]:.1f} {zero:.1f}L{gain}L{edges[-1][0]:.1f} {zero:.1f}Z"
        yield f'<path d="{area}" fill="{colour}" fill-opacity="0.3"/>'
        yield f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _join(points: list[Point]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _is_known(row: Row) -> bool:
    return row["mid_spread_bps"] is not None


def _x(place: float, rows: list[Row]) -> float:
    width = WIDTH - LEFT - RIGHT
    return LEFT + width * min(max(place / (len(rows) - 1), 0.0), 1.0)


def _y(bps: float) -> float:
    height = HEIGHT - TOP - BOTTOM
    return TOP + height * (HIGH_BPS - bps) / (HIGH_BPS - LOW_BPS)


if __name__ == "__main__":
    main()
