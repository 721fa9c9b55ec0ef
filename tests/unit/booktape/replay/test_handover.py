from typing import Any

import numpy as np
import pytest

from booktape.replay.handover import address_of, hand_over


def test_addresses_come_first_and_numbers_follow() -> None:
    arrays = (np.zeros(3), np.zeros((2, 3), np.int8))
    handed = hand_over(("f8", "i1"), arrays, 7, 8)
    assert [address_of(arrays[0]), address_of(arrays[1]), 7, 8] == handed.tolist()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4, np.float32),
        np.zeros(4, ">f8"),
        np.zeros(8)[::2],
        np.zeros((2, 3)).T,
        np.frombuffer(bytes(17), np.uint8)[1:].view(np.float64),
    ],
)
def test_an_array_of_another_kind_never_reaches_the_kernel(array: Any) -> None:
    with pytest.raises(AssertionError):
        hand_over(("f8",), (array,))


def test_no_array_is_left_out_or_too_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        hand_over(("f8", "f8"), (np.zeros(1),))
