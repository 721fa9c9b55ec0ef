from pathlib import Path

import pytest

from booktape.commands.main import main
from tests.support.certified import certify_all
from tests.support.commands import make_sample

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")
SPREAD = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    root = make_sample(folder)
    certify_all(root, folder / "temporary")
    return root


def test_a_page_is_written(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "day.html"
    assert 0 == main(["report", str(tape), "--out", str(out)])
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: 2026-09-21 to 2026-09-21, ")
    assert "BTC-TRY" in out.read_text(encoding="utf-8")


def test_a_spread_is_a_chart(tape: Path, tmp_path: Path) -> None:
    out = tmp_path / "day.html"
    arguments = ["report", "--tape", str(tape), "--date", "2026-09-21", "--out", str(out)]
    fees = ["--fee", "bitvavo=0.0025", "btcturk=0.0012"]
    assert 0 == main([*arguments, "--spread", *SPREAD, *fees, "--every", "1m"])
    assert "uPlot" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--date", "2026-09-22"],
            "no rows from 2026-09-22 to 2026-09-22; there are 2026-09-21",
        ),
        (["--date", "2026-09-21", "--end", "2026-09-21"], "takes the place of"),
        (["--start", "2026-09-22", "--end", "2026-09-21"], "no rows from"),
        (["--spread", "bitvavo:BTC-EUR"], "--spread takes A B"),
        (["--spread", *SPREAD[:2], "--fee", "bitvavo=0"], "booktape: "),
        (["--out", "/nowhere/at/all.html"], "cannot write /nowhere/at/all.html"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(
    tape: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "x.html")]
    assert 1 == main(["report", str(tape), *arguments, *out])
    said = capsys.readouterr()
    assert reason in said.err
    assert 1 == len(said.err.splitlines())


def test_a_day_that_is_not_certified_is_said_to_be_pending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = make_sample(tmp_path), tmp_path / "x.html"
    assert 0 == main(["report", str(root), "--out", str(out)])
    assert "no day from 2026-09-21 to 2026-09-21 is certified" in capsys.readouterr().err
    assert "pending" in out.read_text(encoding="utf-8")


def test_no_tape_is_unreadable(tmp_path: Path) -> None:
    assert 2 == main(["report", str(tmp_path / "none")])
