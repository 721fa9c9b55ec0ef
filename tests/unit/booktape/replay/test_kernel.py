import ctypes

import numpy as np

from booktape.replay import handover, kernel
from booktape.replay.entries import load_entries
from booktape.replay.fast import FastEngine
from booktape.replay.handover import address_of, hand_over
from tests.support.streams import ask, begin, make_stream


def test_what_the_fast_engine_calls_is_compiled() -> None:
    engine = FastEngine(make_stream([begin(1), ask(1, 2.0, 1.0)]), depth=1, bands=(), rows_max=1)
    for entry in ("intern", "fill_moments", "fill_changes"):
        assert ctypes.cast(getattr(engine._entries, entry), ctypes.c_void_p).value
    assert engine._entries is load_entries()


def test_a_table_more_than_half_full_is_told() -> None:
    bits = np.arange(9, dtype=np.int64)
    ids, table, slots = np.empty(9, np.int32), np.empty(16, np.int64), np.full(16, -1, np.int32)
    arrays = (bits, ids, table, slots, np.empty(8, np.int64))
    handed = hand_over(handover.PRICES, arrays, 9, 16, 8)
    assert load_entries().intern(address_of(handed)) == -1


def test_each_bit_of_a_word_has_its_place() -> None:
    for bit in range(64):
        lowest = (1 << bit) * int(kernel._DE_BRUIJN) % (1 << 64) >> 58
        assert bit == kernel._PLACES[lowest]
