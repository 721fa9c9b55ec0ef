import io
import sys
from pathlib import Path
from shutil import copytree

import pyarrow as pa
import pytest
from typing_extensions import override

from booktape.commands.asking import watch
from booktape.commands.main import main
from tests.support.commands import BTC_EUR, NOON, Shell


def test_what_is_no_tape_is_unreadable_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["symbols", "--tape", str(tmp_path)])
    said = capsys.readouterr()
    assert "" == said.out
    assert said.err.startswith(f"booktape: file:{tmp_path} is unreadable: nothing is recorded")
    assert 1 == said.err.count("\n")


def test_a_flipped_bit_is_unreadable_in_one_line(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copytree(sample, tmp_path / "try")
    for path in (tmp_path / "try" / "tape" / "book").rglob("*.parquet"):
        data = bytearray(path.read_bytes())
        data[-9] ^= 1
        path.write_bytes(data)
    assert 2 == main(["top", BTC_EUR, "--tape", str(tmp_path / "try"), "--at", NOON])
    said = capsys.readouterr().err
    assert " is damaged: " in said
    assert 1 == said.count("\n")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("top bitvavo:BTC-EURO", "no market 'bitvavo:BTC-EURO' on this tape; the nearest: "),
        ("top kraken:BTC-EUR", "no exchange 'kraken' on this tape; it has bitvavo, btcturk"),
        ("top bitvavo", "'bitvavo' is no market: write bitvavo:BTC-EUR"),
        ("top bitvavo:BTC-EUR --start noon", "'noon' is no time: write "),
        ("top bitvavo:BTC-EUR --every 1x", "'1x' is no interval: give "),
        ("symbols --format csv --out x", "--format parquet and --out FILE go together"),
        ("symbols --format parquet --out /dev/null/x", "Not a directory: "),
    ],
)
def test_a_wrong_question_is_one_line(shell: Shell, line: str, complaint: str) -> None:
    said = shell.run(*line.split())
    assert 1 == said.status
    assert said.err.startswith(f"booktape: {complaint}")
    assert 1 == said.err.count("\n")


def test_what_the_library_warns_of_is_one_line(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copytree(sample, tmp_path / "try")
    gone = next((tmp_path / "try" / "tape" / "trades").rglob("*.parquet"))
    gone.unlink()
    said = Shell(tmp_path / "try", capsys).run("symbols")
    assert 0 == said.status
    assert said.err.startswith("booktape: ")
    assert f"are gone and skipped, such as {gone.relative_to(tmp_path / 'try')}\n" in said.err
    assert 1 == said.err.count("\n")


def test_how_far_one_is_in_a_range_is_counted_in_its_seconds() -> None:
    def batch(*seconds: float) -> pa.RecordBatch:
        times = pa.array([int(s * 1e6) for s in seconds], pa.timestamp("us", tz="UTC"))
        return pa.record_batch({"ts": times})

    shown: list[tuple[int, int]] = []
    batches = [batch(10, 12.5), batch(), batch(13, 20)]
    span = 10_000_000, 18_000_000
    passed = list(watch(iter(batches), span, lambda done, of: shown.append((done, of))))
    assert batches == passed
    assert [(2, 8), (8, 8)] == shown


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_where_no_rows_are_printed_over_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booktape.commands.bar.AFTER_S", -1.0)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert 0 == shell.run("coverage").status
    assert " 0/6" in terminal.getvalue()
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert 0 == main(["coverage", "--tape", str(shell.tape)])
    assert "" == terminal.getvalue()
