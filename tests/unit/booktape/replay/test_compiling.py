import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
CODE = (
    "from booktape.replay import kernel\n"
    "print(kernel.__file__, *(sum(e.stats.cache_hits.values()) if e._cache.__class__.__name__ !="
    " 'NullCache' else -1 for e in (kernel.intern, kernel.fill_moments, kernel.fill_changes)))"
)


def install(folder: Path) -> Path:
    """Copy the library to where it can have no folder for what is compiled."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "booktape", folder / "booktape", ignore=skip)
    (folder / "booktape" / "replay" / "__pycache__").touch()
    return folder


def load(folder: Path, home: Path) -> list[str]:
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(folder),
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    path, *hits = done.stdout.split()
    assert str(folder / "booktape" / "replay" / "kernel.py") == path
    return hits


def test_what_was_compiled_is_kept_with_the_user_where_the_package_is_read_only(
    tmp_path: Path,
) -> None:
    folder = install(tmp_path / "installed")
    home = tmp_path / "home"
    home.mkdir()
    assert ["0", "0", "0"] == load(folder, home)
    assert ["1", "1", "1"] == load(folder, home)


def test_it_is_compiled_each_time_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = install(tmp_path / "installed")
    home = tmp_path / "home"
    home.touch()
    assert ["-1", "-1", "-1"] == load(folder, home)
