"""Measures the present speed of the machine.

A shared one may be half as fast a minute later; figures are to be compared within one run, and
this tells how far two runs may be.
"""

import time

STEPS = 1_000_000


def measure() -> float:
    """Return the number of steps of a simple loop in a CPU-second."""
    begin_s = time.thread_time()
    number = 0
    for step in range(STEPS):
        number += step & 7
    return STEPS / (time.thread_time() - begin_s)
