"""Spaces retries: the wait doubles with each try, up to a cap."""

from random import Random

# Even if an exchange asks for a longer wait, try again after so long.
AT_LEAST_S_MAX = 3600.0


class Backoff:
    """Doubles the wait with each try, up to a cap, and spreads it evenly (full jitter).

    The spread keeps connections that failed together from coming back together:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, *, base_s: float, cap_s: float, random: Random) -> None:
        assert 0 < base_s <= cap_s
        self._base_s = base_s
        self._cap_s = cap_s
        self._random = random
        self._ceiling_s = base_s

    def next_s(self, *, at_least_s: float = 0.0) -> float:
        """Return the next wait: at least what the other side asked for (`at_least_s`)."""
        delay_s = self._random.uniform(0.0, self._ceiling_s)
        self._ceiling_s = min(self._cap_s, self._ceiling_s * 2)
        return min(max(at_least_s, 0.0), AT_LEAST_S_MAX) + delay_s

    def reset(self) -> None:
        """Start from the base again, after a try that succeeded."""
        self._ceiling_s = self._base_s
