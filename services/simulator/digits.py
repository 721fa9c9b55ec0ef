"""Writes integers as the decimal digits that the exchanges send."""


def padded(units: int, decimals: int) -> str:
    """Return `units` of 10**-decimals with every decimal written: `75516.00`."""
    if decimals == 0:
        return str(units)
    whole, part = divmod(units, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"


def trimmed(units: int, decimals: int) -> str:
    """Return the same number without trailing zeros: `75516`."""
    if decimals == 0:
        return str(units)
    return padded(units, decimals).rstrip("0").rstrip(".")
