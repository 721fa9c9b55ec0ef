"""Compiles the kernel by numba into machine code that needs neither numba nor Python."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numba
from llvmlite import binding
from numba import types

from booktape.replay import kernel

_WORDS: Final = types.CPointer(types.int64)  # type: ignore[no-untyped-call]
_NUMBER: Final = types.int64
_NOTHING: Final = types.void
_ENTRIES: Final[dict[Callable[..., Any], Any]] = {
    kernel.intern: _NUMBER(_WORDS),
    kernel.fill_moments: _NOTHING(_WORDS, _WORDS, _WORDS, _WORDS, _WORDS, _NUMBER),
    kernel.fill_changes: _NOTHING(_WORDS, _WORDS, _WORDS, _WORDS, _NUMBER),
}


class Compiled(NamedTuple):
    """The kernel's entries as functions of C; they live as long as this."""

    functions: dict[str, Any]  # numba's own, by name
    code: bytes | None  # an object file; None if its functions need symbols of numba


def compile_kernel(machine: Any) -> Compiled:
    """Return the kernel's entries, compiled for this LLVM machine; this takes seconds."""
    functions = {
        entry.__name__: numba.cfunc(signature, error_model="numpy")(entry)
        for entry, signature in _ENTRIES.items()
    }
    whole = binding.parse_assembly("")
    for name, function in functions.items():
        module = binding.parse_assembly(function.inspect_llvm())
        module.get_function(function.native_name).name = name
        whole.link_in(module)
    is_whole = not _find_needs(whole)
    return Compiled(functions, machine.emit_object(whole) if is_whole else None)


def _find_needs(module: Any) -> list[str]:
    """Return the names that a module needs from others: LLVM ends the process if one is missing."""
    values = [*module.functions, *module.global_variables]
    # LLVM's own names are instructions, or in the C library.
    return [
        value.name
        for value in values
        if value.is_declaration and not value.name.startswith("llvm.")
    ]
