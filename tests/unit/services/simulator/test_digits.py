from services.simulator.digits import padded, trimmed


def test_padded_text_shows_every_decimal() -> None:
    assert "75516.00" == padded(7551600, 2)
    assert "0.0000000870" == padded(870, 10)


def test_trimmed_text_shows_no_trailing_zero() -> None:
    assert "75516" == trimmed(7551600, 2)
    assert "1.3964" == trimmed(1396400, 6)
    assert "0" == trimmed(0, 8)


def test_without_decimals_zeros_are_digits() -> None:
    assert "3712280" == padded(3712280, 0) == trimmed(3712280, 0)
