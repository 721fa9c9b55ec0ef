from booktape.store.protocol import ObjectInfo


def test_a_store_may_not_know_a_checksum_without_reading() -> None:
    assert ObjectInfo("x", 4, None) == ObjectInfo("x", 4)
