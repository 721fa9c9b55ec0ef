import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import booktape.report.making
from booktape.commands.main import main
from booktape.report.quotes import TICKERS
from tests.support.certified import certify_all, list_files
from tests.support.commands import make_sample
from tests.support.hand_tape import A, HandTape, snapshot

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")
SPREAD = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
KEY = "reports/report-2026-09-21.html"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    root = make_sample(folder)
    certify_all(root, folder / "temporary")
    return root


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand where no configuration is; return a file to write."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "day.html"


def test_a_page_is_written(
    certified: Path, alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["report", str(certified), "--out", str(alone)])
    said = capsys.readouterr()
    assert said.out.startswith(f"{alone}: 2026-09-21, ")
    page = alone.read_text(encoding="utf-8")
    assert "BTC-TRY" in page
    assert "<section id=spreads>" in page
    assert "<section id=premium>" not in page


def test_a_spread_is_a_chart(certified: Path, alone: Path) -> None:
    arguments = ["report", "--tape", str(certified), "--date", "2026-09-21", "--out", str(alone)]
    fees = ["--fee", "bitvavo=0.0025", "btcturk=0.0012"]
    assert 0 == main([*arguments, "--spread", *SPREAD, *fees, "--every", "1m"])
    page = alone.read_text(encoding="utf-8")
    assert "uPlot" in page
    assert "after fees of bitvavo 0.25 %" in page


def test_the_pair_is_that_of_the_configuration(certified: Path, alone: Path) -> None:
    Path("booktape.toml").write_text(f"[dashboard]\nspread = {list(SPREAD)}\n", encoding="utf-8")
    assert 0 == main(["report", str(certified), "--out", str(alone)])
    assert "<b>before fees</b>" in alone.read_text(encoding="utf-8")


def test_without_the_compiled_engine_it_is_drawn_from_tickers(
    certified: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booktape.report.making, "find_source", lambda: TICKERS)
    assert 0 == main(["report", str(certified), "--spread", *SPREAD, "--out", str(alone)])
    assert 2 == alone.read_text(encoding="utf-8").count("<b>from tickers</b>")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--date", "2026-09-22"],
            "no rows from 2026-09-22 to 2026-09-22; there are 2026-09-21",
        ),
        (["--date", "2026-09-21", "--end", "2026-09-21"], "takes the place of"),
        (["--start", "2026-09-22", "--end", "2026-09-21"], "no rows from"),
        (["--spread", "bitvavo:BTC-EUR"], "a premium takes A B"),
        (["--spread", *SPREAD[:2]], "one market is in EUR, the other in TRY: give via"),
        (["--spread", *SPREAD[:2], "--source", "tickers"], "in EUR, the other in TRY: give via"),
        (["--spread", "bitvavo:X-EUR", "btcturk:BTC-TRY"], "X-EUR"),
        (["--every", "never"], "'never' is no interval"),
        (["--out", "/nowhere/at/all.html"], "cannot write /nowhere/at/all.html"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(
    certified: Path,
    alone: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    out = [] if "--out" in arguments else ["--out", str(alone)]
    assert 1 == main(["report", str(certified), *arguments, *out])
    said = capsys.readouterr()
    assert reason in said.err
    assert 1 == len(said.err.splitlines())


def test_a_day_that_is_not_certified_is_shown_as_it_is_now_and_stays_uncertified(
    tmp_path: Path, alone: Path
) -> None:
    root = make_sample(tmp_path)
    before = list_files(root, ".")
    assert 0 == main(["report", str(root), "--out", str(alone), "--temp", str(tmp_path / "t")])
    page = alone.read_text(encoding="utf-8")
    assert "<b>Not certified yet</b>: 6 of 6 markets lost something" in page
    assert "data-gaps=" in page
    assert before == list_files(root, ".")
    assert [] == list((tmp_path / "t").iterdir())


def test_the_day_that_is_shown_is_the_last_one_that_is_certified(
    tmp_path: Path, alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, ("bid", 99.0, 1.0)))
    certify_all(tape.root, tmp_path / "temporary")
    tape.write(A, snapshot(86_400, 1, ("bid", 99.0, 1.0)))
    assert 0 == main(["report", str(tape.root), "--out", str(alone)])
    assert 0 == main(["report", str(tape.root), "--end", "2026-11-23", "--out", str(alone)])
    said = capsys.readouterr().out.splitlines()
    assert [f"{alone}: 2026-11-22, ", f"{alone}: 2026-11-22 to 2026-11-23, "] == [
        line.rpartition(", ")[0] + ", " for line in said
    ]


def test_where_certified_days_are_wanted_alone_others_have_no_figures(
    tmp_path: Path, alone: Path
) -> None:
    root = make_sample(tmp_path)
    assert 0 == main(["report", str(root), "--certified", "--out", str(alone)])
    page = alone.read_text(encoding="utf-8")
    assert "no certificate of it yet" in page
    assert "data-gaps=" not in page


def test_a_day_that_cannot_be_added_up_is_shown_without_figures(
    tmp_path: Path, alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_sample(tmp_path)
    next((root / "tape/trades/exchange=bitvavo").rglob("*.parquet")).write_bytes(b"PAR1")
    assert 0 == main(["report", str(root), "--out", str(alone)])
    assert "bitvavo 2026-09-21 is shown without figures" in capsys.readouterr().err
    assert "no certificate of it yet" in alone.read_text(encoding="utf-8")


def test_reports_are_put_beside_the_tape_once(certified: Path, tmp_path: Path, alone: Path) -> None:
    root = alone.with_name("copy")
    shutil.copytree(certified, root)
    arguments: list[str | Path] = [root, "--put", "--temp", tmp_path / "t", "--spread", *SPREAD]
    done = run_alone(*arguments)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith(f"file:{root}/{KEY}: ")
    page = (root / KEY).read_text(encoding="utf-8")
    assert "<section id=coverage>" in page
    assert "<b>from tickers</b>" in page
    again = run_alone(*arguments)
    assert (0, "No report is due.\n", "") == (again.returncode, again.stdout, again.stderr)
    assert 1 == len(list((root / "reports").iterdir()))
    assert [] == list((tmp_path / "t").iterdir())


def run_alone(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which it bounds."""
    code = "import sys; from booktape.commands.main import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "report", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )


def test_where_nothing_is_recorded_yet_no_report_is_due(tmp_path: Path) -> None:
    done = run_alone(tmp_path / "none", "--put")
    assert (0, "No report is due.\n", "") == (done.returncode, done.stdout, done.stderr)


def test_no_tape_is_unreadable(tmp_path: Path) -> None:
    assert 2 == main(["report", str(tmp_path / "none")])
