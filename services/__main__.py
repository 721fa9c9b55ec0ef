"""The command line; finds exchanges by their folder."""

import os
import pkgutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

import services
from booktape.errors import BooktapeError
from services.operator.commands.arguments import build_parser
from services.operator.supervision.child import PARENT_OPTION, end_with_parent, hold_back
from shared.errors import ConfigError, LockHeld
from shared.exchange import Exchange
from shared.process import log
from shared.process.configured import load_settings
from shared.process.settings import Settings

FOLDER_PREFIX = "ingest_"
PROCESSES = ("ingest", "write")
# Of sysexits.h. supervisord never retries the first.
CONFIG_STATUS = 78
HELD_STATUS = 75
FAULT_STATUS = 1
INTERRUPTED_STATUS = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    start_s = time.monotonic()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == [PARENT_OPTION]:
        end_with_parent(int(arguments[1]))
        arguments = arguments[2:]
    if arguments[:1] == ["simulate"]:
        from services.simulator.main import run

        return run(arguments[1:])
    parsed = build_parser(find_exchange_names()).parse_args(arguments)
    if parsed.command not in PROCESSES:
        return _run_operators(parsed)
    status = _run_process(parsed)
    hold_back(status, age_s=time.monotonic() - start_s, environment=os.environ)
    return status


def find_exchange_names() -> list[str]:
    """Return the names of the exchanges that have a folder, without loading them."""
    folders = [module.name for module in pkgutil.iter_modules(services.__path__)]
    return sorted(
        folder.removeprefix(FOLDER_PREFIX) for folder in folders if folder.startswith(FOLDER_PREFIX)
    )


def find_exchanges() -> dict[str, Exchange]:
    """Return every exchange there is, by its name."""
    return {
        name: import_module(f"services.{FOLDER_PREFIX}{name}.exchange").EXCHANGE
        for name in find_exchange_names()
    }


def _run_operators(parsed: Namespace) -> int:
    """Run what a person asked for."""

    def complain(text: str) -> None:
        print(f"booktape: {text}", file=sys.stderr)

    try:
        return _run(parsed, complain=complain)
    except OSError as error:  # a folder that cannot be made, a disk that is full
        complain(f"{error.strerror}: {error.filename}" if error.filename else str(error))
        return FAULT_STATUS


def _run(parsed: Namespace, *, complain: Callable[[str], None]) -> int:
    """Run the command; tell its errors by `complain`."""
    try:
        return _COMMANDS[parsed.command](parsed)
    except ConfigError as error:
        for fault in error.faults:
            complain(fault)
        return CONFIG_STATUS
    except LockHeld as error:
        complain(str(error))
        return HELD_STATUS
    except BooktapeError as error:
        complain(str(error))
        return FAULT_STATUS
    except BrokenPipeError:  # whoever read our output has seen enough: `booktape verify | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT_STATUS
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS


def _run_process(parsed: Namespace) -> int:
    """Run what supervisord runs: whatever it says is a line of JSON."""
    line = f"{FOLDER_PREFIX}{parsed.exchange}-{parsed.line}" if parsed.command == "ingest" else ""
    log.setup(line or "buffer_writer")
    logger = log.get(__name__)
    try:
        return _run(parsed, complain=lambda text: logger.error("cannot run", extra={"why": text}))
    except Exception:
        logger.exception("ended by a fault of its own")
        return FAULT_STATUS


def _ingest(parsed: Namespace) -> int:
    exchanges = find_exchanges()
    settings = load_settings(exchanges, os.environ)
    from shared.ingest.process import run

    return run(exchanges[parsed.exchange], settings, parsed.line)


def _write(_: Namespace) -> int:
    settings = load_settings(find_exchanges(), os.environ)
    from services.buffer_writer.main import run

    return run(settings)


def _up(_: Namespace) -> int:
    from services.operator.commands.up import run

    return run(load_settings(find_exchanges(), os.environ), os.environ)


def _demo(parsed: Namespace) -> int:
    from services.operator.commands.demo import Plan, run

    exchanges = find_exchanges()
    return run(
        Plan(
            folder=load_settings(exchanges, os.environ).folder / parsed.folder,
            truth=parsed.truth,
            is_fresh=parsed.fresh,
            seconds=parsed.seconds,
            exchanges=list(exchanges),
            symbols=parsed.symbols,
            rate=parsed.rate,
            faults=parsed.faults,
        ),
        os.environ,
        load=lambda environment: load_settings(exchanges, environment),
        prove=_prove,
    )


def _prove(settings: Settings) -> int:
    from services.operator.commands.verify import run

    return run(settings, None, date=None, as_json=False)


def _status(parsed: Namespace) -> int:
    from services.operator.commands.status import run

    return run(
        load_settings(find_exchanges(), os.environ), as_json=parsed.json, clock_ns=time.time_ns
    )


def _handover(parsed: Namespace) -> int:
    from services.operator.commands.handover import run

    return run(parsed.exchange, load_settings(find_exchanges(), os.environ), os.environ)


def _book(parsed: Namespace) -> int:
    from services.operator.commands.book import run

    exchanges = find_exchanges()
    settings = load_settings(exchanges, os.environ)
    return run(exchanges[parsed.exchange], settings, parsed.symbol, limit=parsed.limit)


def _verify(parsed: Namespace) -> int:
    from services.operator.commands.verify import run

    settings = load_settings(find_exchanges(), os.environ)
    return run(settings, parsed.url, date=parsed.date, as_json=parsed.json)


def _exchanges(_: Namespace) -> int:
    from services.operator.commands.exchanges import run

    return run(find_exchanges())


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "up": _up,
    "demo": _demo,
    "status": _status,
    "handover": _handover,
    "verify": _verify,
    "book": _book,
    "exchanges": _exchanges,
    "ingest": _ingest,
    "write": _write,
}


if __name__ == "__main__":
    sys.exit(main())
