import numpy as np
import pytest

from booktape.replay import kernel
from booktape.replay.fast import FastEngine
from tests.support.streams import ask, begin, make_stream

ENTRIES = ("intern", "fill_moments", "fill_changes")


@pytest.mark.parametrize("name", ENTRIES)
def test_it_is_compiled_for_one_set_of_types_and_never_again(name: str) -> None:
    entry = getattr(kernel, name)
    [signature] = entry.nopython_signatures
    engine = FastEngine(make_stream([begin(1), ask(1, 2.0, 1.0)]), depth=1, bands=(), rows_max=1)
    assert len(list(engine.changes(0, 9))) == 2
    assert [signature] == entry.nopython_signatures
    with pytest.raises(TypeError, match="No matching definition"):
        entry(*[np.zeros(3, np.float32)] * len(signature.args))


def test_a_table_more_than_half_full_is_told() -> None:
    bits = np.arange(9, dtype=np.int64)
    ids, table, slots = np.empty(9, np.int32), np.empty(16, np.int64), np.full(16, -1, np.int32)
    assert kernel.intern(bits, ids, table, slots, np.empty(8, np.int64), 0) == -1


def test_each_bit_of_a_word_has_its_place() -> None:
    for bit in range(64):
        lowest = (1 << bit) * int(kernel._DE_BRUIJN) % (1 << 64) >> 58
        assert bit == kernel._PLACES[lowest]
