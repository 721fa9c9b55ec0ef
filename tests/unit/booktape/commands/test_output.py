import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.commands import output
from booktape.commands.output import Form, write
from booktape.errors import BooktapeError

AT = dt.datetime(2026, 9, 21, 12, tzinfo=dt.UTC)
TABLE = pa.table(
    {
        "ts": pa.array([AT, AT + dt.timedelta(milliseconds=1)], pa.timestamp("us", tz="UTC")),
        "price": [0.1 + 0.2, None],
        "tables": [["book", "trades"], None],
        "whole": [True, False],
    }
)


def write_all(name: str, table: pa.Table = TABLE, out: Path | None = None) -> None:
    write(table.schema, table.to_batches(max_chunksize=1), Form(name, out))


def test_a_table_aligns_its_columns_and_rounds_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_all("table")
    assert [
        "ts                           price  tables       whole",
        "2026-09-21T12:00:00Z           0.3  book trades  yes",
        "2026-09-21T12:00:00.001000Z      -  -            no",
    ] == capsys.readouterr().out.splitlines()


def test_later_rows_of_a_table_may_only_widen_its_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "ALIGNED_ROWS", 2)
    write_all("table", pa.table({"a": ["xxx", "x", "xxxxx"], "b": [1, 2, 3]}))
    assert ["a    b", "xxx  1", "x      2", "xxxxx  3"] == capsys.readouterr().out.splitlines()


def test_csv_has_every_digit_and_an_empty_field_where_nothing_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_all("csv")
    assert [
        "ts,price,tables,whole",
        "2026-09-21T12:00:00Z,0.30000000000000004,book trades,true",
        "2026-09-21T12:00:00.001000Z,,,false",
    ] == capsys.readouterr().out.splitlines()


def test_json_is_one_list_with_a_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_all("json")
    assert [
        "[",
        (
            '{"ts":"2026-09-21T12:00:00Z","price":0.30000000000000004,'
            '"tables":["book","trades"],"whole":true},'
        ),
        '{"ts":"2026-09-21T12:00:00.001000Z","price":null,"tables":null,"whole":false}',
        "]",
    ] == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("name", "expected"), [("table", "ts  price  tables  whole\n"), ("json", "[]\n")]
)
def test_nothing_has_its_form_too(
    name: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(name, TABLE.slice(0, 0))
    assert expected == capsys.readouterr().out


def test_a_parquet_holds_the_same_rows_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_all("parquet", out=path)
    assert TABLE == parquet.read_table(path)

    def break_off() -> object:
        yield TABLE.to_batches()[0]
        raise ValueError("the tape is damaged")

    with pytest.raises(ValueError, match="the tape is damaged"):
        write(TABLE.schema, break_off(), Form("parquet", path))  # type: ignore[arg-type]
    assert [path] == list(tmp_path.iterdir())
    assert TABLE == parquet.read_table(path)


@pytest.mark.parametrize("form", [Form("parquet", None), Form("csv", Path("x"))])
def test_a_file_is_named_for_parquet_alone(form: Form) -> None:
    with pytest.raises(BooktapeError, match="--format parquet and --out FILE go together"):
        form.check()
