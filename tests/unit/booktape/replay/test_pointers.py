from booktape.replay import handover, pointers


def test_what_is_handed_over_has_a_name_each() -> None:
    named: dict[tuple[str, ...], tuple[str, ...]] = {
        handover.PRICES: pointers.PricePointers._fields,
        handover.ROWS: pointers.RowPointers._fields,
        handover.MOMENTS: pointers.MomentPointers._fields,
        handover.BOOK: pointers.BookPointers._fields,
        handover.OUT: pointers.OutPointers._fields,
    }
    for kinds, names in named.items():
        assert 1 <= len(names) - len(kinds) <= 3  # numbers follow the addresses
