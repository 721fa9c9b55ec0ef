import sys
import zlib

import google_crc32c
import pytest

from booktape import checksum
from booktape.checksum import crc32c, crc32c_by_table, join_crc32

DATA = bytes(range(256)) * 5


@pytest.mark.parametrize("count", [crc32c, crc32c_by_table])
def test_it_is_the_checksum_of_the_standard(count: object) -> None:
    assert callable(count)
    # RFC 3720, appendix B.4
    assert 0x8A9136AA == count(bytes(32))
    assert 0x62A8AB43 == count(b"\xff" * 32)
    assert 0x46DD794E == count(bytes(range(32)))
    assert 0 == count(b"")


def test_both_ways_agree() -> None:
    for length in (1, 7, 8, 9, 1280):
        assert google_crc32c.value(DATA[:length]) == crc32c_by_table(DATA[:length])


def test_the_table_serves_where_there_is_nothing_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    assert google_crc32c.value is checksum._choose()
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    assert crc32c_by_table is checksum._choose()


def test_the_checksum_of_two_parts_is_that_of_the_whole() -> None:
    for cut in (0, 1, 7, 640, len(DATA)):
        first, second = DATA[:cut], DATA[cut:]
        joined = join_crc32(zlib.crc32(first), zlib.crc32(second), len(second))
        assert zlib.crc32(DATA) == joined
