"""Runs an errand: one call that may take seconds, on a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def start_errand(work: Callable[[], Result]) -> Future[Result]:
    """Begin the work; return the future of its result or error.

    The process may end before the errand; only a caller that asks for the result waits.
    """
    future: Future[Result] = Future()
    Thread(target=_work, args=(work, future), name="errand", daemon=True).start()
    return future


def _work(work: Callable[[], Result], future: Future[Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 (the caller gets it with the result)
        future.set_exception(error)
    else:
        future.set_result(result)
