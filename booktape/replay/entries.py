"""Loads the kernel's entries as functions of C: from the user's cache, or compiled anew.

numba compiles once on a machine; later processes load the machine code by LLVM alone, which takes
a tenth of the time of loading numba.
"""

import functools
import os
import sys
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int64, c_void_p
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import llvmlite
from llvmlite import binding

from booktape.replay.code_file import CodeFile

_SOURCES: Final = ("compiling.py", "entries.py", "handover.py", "kernel.py", "pointers.py")
_AT: Final = c_void_p
_NUMBER: Final = c_int64
_TYPES: Final = {
    "intern": CFUNCTYPE(_NUMBER, _AT),
    "fill_moments": CFUNCTYPE(None, _AT, _AT, _AT, _AT, _AT, _NUMBER),
    "fill_changes": CFUNCTYPE(None, _AT, _AT, _AT, _AT, _NUMBER),
}


class Entries(NamedTuple):
    """The kernel's entries; `kernel` describes their arguments."""

    intern: Callable[..., int]
    fill_moments: Callable[..., None]
    fill_changes: Callable[..., None]
    owner: Any  # keeps the machine code alive
    origin: str  # of the machine code: "cache", or "compiled"


@functools.cache
def load_entries() -> Entries:
    """Return the entries; raise ImportError without numba, even if the cache has the code."""
    spec = find_spec("numba")
    if spec is None or spec.origin is None:
        raise ImportError("No module named 'numba'")
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = _Machine(binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    kept = CodeFile(_find_folder(), _describe(machine, Path(spec.origin)))
    code = kept.read()
    if code is not None:
        return _load(code, machine, "cache")

    from booktape.replay.compiling import compile_kernel  # noqa: PLC0415 (loads numba)

    compiled = compile_kernel(machine.make())
    if compiled.code is None:
        addresses = {name: function.address for name, function in compiled.functions.items()}
        return _bind(addresses, compiled, "compiled")
    kept.write(compiled.code)
    return _load(compiled.code, machine, "compiled")


class _Machine(NamedTuple):
    """The processor for which the code is compiled."""

    cpu: str
    features: str

    def make(self) -> Any:
        return binding.Target.from_default_triple().create_target_machine(
            cpu=self.cpu, features=self.features, opt=3, reloc="pic", codemodel="jitdefault"
        )


def _find_folder() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    if named:
        return Path(named) / "booktape"
    try:
        return Path.home() / ".cache" / "booktape"
    except RuntimeError:  # a user without a home, as in a container
        return Path(os.devnull) / "booktape"


def _describe(machine: _Machine, numba: Path) -> str:
    """Return a description of everything that the machine code depends on."""
    sources = sha256()
    for name in _SOURCES:
        sources.update(files("booktape.replay").joinpath(name).read_bytes())
    return "\n".join(
        (
            sources.hexdigest(),
            f"{numba} {numba.stat().st_mtime_ns}",  # an upgrade writes it anew
            llvmlite.__version__,
            sys.version,
            binding.get_default_triple(),
            *machine,
        )
    )


def _load(code: bytes, machine: _Machine, origin: str) -> Entries:
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine.make())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    addresses = {name: engine.get_function_address(name) for name in _TYPES}
    return _bind(addresses, engine, origin)


def _bind(addresses: dict[str, int], owner: Any, origin: str) -> Entries:
    functions: dict[str, Any] = {name: kind(addresses[name]) for name, kind in _TYPES.items()}
    return Entries(**functions, owner=owner, origin=origin)
