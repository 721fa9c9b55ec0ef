"""An errand: one thing that may take seconds, done on a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def start_errand(work: Callable[[], Result]) -> Future[Result]:
    """Begin the work; return where its result, or what it raised, will be.

    The process may end before it: nobody waits for it but who wants to.
    """
    future: Future[Result] = Future()
    Thread(target=_work, args=(work, future), name="errand", daemon=True).start()
    return future


def _work(work: Callable[[], Result], future: Future[Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 (whoever asks for the result gets it)
        future.set_exception(error)
    else:
        future.set_result(result)
