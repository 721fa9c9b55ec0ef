from pathlib import Path

from booktape.settings_source import Given, find_file, read_environment, read_file


def test_keys_are_told_by_their_full_name_with_their_origin(tmp_path: Path) -> None:
    path = tmp_path / "booktape.toml"
    path.write_text("a = 1\n[b]\nc = [2]\n[b.d]\n[e.f]\ng = 'x'")
    expected = {("a",): 1, ("b", "c"): [2], ("b", "d"): {}, ("e", "f", "g"): "x"}
    assert {key: Given(value, "booktape.toml") for key, value in expected.items()} == read_file(
        path
    )


def test_no_file_gives_no_keys(tmp_path: Path) -> None:
    assert {} == read_file(find_file({}, tmp_path))


def test_the_environment_gives_keys_in_lower_case() -> None:
    environment = {"BOOKTAPE__A__B_C": "x", "BOOKTAPE_CONFIG": "y", "A__B": "z"}
    assert {("a", "b_c"): Given("x", "BOOKTAPE__A__B_C")} == read_environment(environment)


def test_an_empty_variable_is_empty_text() -> None:
    assert {("a",): Given("", "BOOKTAPE__A")} == read_environment({"BOOKTAPE__A": ""})


def test_the_file_is_found_by_its_name_or_by_the_variable(tmp_path: Path) -> None:
    (tmp_path / "other.toml").touch()
    assert tmp_path / "booktape.toml" == find_file({"BOOKTAPE_CONFIG": ""}, tmp_path)
    assert tmp_path / "other.toml" == find_file({"BOOKTAPE_CONFIG": "other.toml"}, tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "booktape.toml"
    path.write_text("a = 1", encoding="utf-8-sig")
    assert {("a",): Given(1, "booktape.toml")} == read_file(path)
