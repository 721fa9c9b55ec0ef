"""Runs the collector's commands; finds exchanges by their folders."""

import os
import pkgutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Final

import services
from booktape.commands import main as command_line
from booktape.commands.command import Command
from services.operator.commands import arguments
from services.operator.supervision.child import (
    PARENT_OPTION,
    SUPERVISED_VARIABLE,
    end_with_parent,
    hold_back,
)
from shared.exchange import Exchange
from shared.process import log
from shared.process.configured import load_settings
from shared.process.settings import Settings
from shared.process.state import CERTIFIER, DASHBOARD, WRITER, sink_name

FOLDER_PREFIX: Final = "ingest_"


def main(given: Sequence[str] | None = None) -> int:
    """Run one command; with `--parent-fd` end together with our parent."""
    given = sys.argv[1:] if given is None else given
    if given[:1] == [PARENT_OPTION]:
        end_with_parent(int(given[1]))
        given = given[2:]
    return command_line.main(given)


def commands() -> list[Command]:
    """Return the commands that the collector adds to the library's."""
    names = find_exchange_names()
    return [
        *arguments.operating(
            names, up=_up, demo=_demo, status=_status, silence=_silence, handover=_handover
        ),
        *arguments.watching(metrics=_metrics, dashboard=partial(_run_process, _dashboard)),
        Command(
            name="certifier",
            summary="certifies past days, once a day, as supervisord runs it",
            example="booktape certifier",
            run=partial(_run_process, _certifier),
        ),
        *arguments.deploying(box=_box),
        *arguments.looking(names, book=_book, listing=_exchanges, probe=_probe),
        *arguments.processes(
            names,
            ingest=partial(_run_process, _ingest),
            write=partial(_run_process, _write),
            simulate=_simulate,
            sink=partial(_run_process, _sink),
        ),
    ]


def find_exchange_names() -> list[str]:
    """Return the names of the exchanges that have a folder, without loading them."""
    folders = [module.name for module in pkgutil.iter_modules(services.__path__)]
    return sorted(
        folder.removeprefix(FOLDER_PREFIX) for folder in folders if folder.startswith(FOLDER_PREFIX)
    )


def find_exchanges() -> dict[str, Exchange]:
    """Return every exchange by its name."""
    return {
        name: import_module(f"services.{FOLDER_PREFIX}{name}.exchange").EXCHANGE
        for name in find_exchange_names()
    }


def _run_process(run: Callable[[Namespace], int], parsed: Namespace) -> int:
    """Run a process as supervisord does; all its output is lines of JSON."""
    start_s = time.monotonic()
    log.setup(_name_process(parsed))
    logger = log.get(__name__)

    def complain(text: str) -> None:
        logger.error("cannot run", extra={"reason": text})

    try:
        status = command_line.guard(partial(run, parsed), complain=complain)
    except Exception:
        logger.exception("a fault of our own ended the process")
        status = command_line.FAULT_STATUS
    hold_back(status, age_s=time.monotonic() - start_s, environment=os.environ)
    return status


def _name_process(parsed: Namespace) -> str:
    match parsed.command:
        case "ingest":
            return f"{FOLDER_PREFIX}{parsed.exchange}-{parsed.line}"
        case "sink":
            return sink_name(parsed.name)
        case "dashboard":
            return DASHBOARD
        case "certifier":
            return CERTIFIER
        case _:
            return WRITER


def _ingest(parsed: Namespace) -> int:
    exchanges = find_exchanges()
    settings = load_settings(exchanges, os.environ)
    from shared.ingest.process import run

    return run(exchanges[parsed.exchange], settings, settings.state.cell + parsed.line)


def _write(_: Namespace) -> int:
    settings = load_settings(find_exchanges(), os.environ)
    from services.buffer_writer.main import run

    return run(settings)


def _sink(parsed: Namespace) -> int:
    settings = load_settings(find_exchanges(), os.environ)
    from services.sink.main import run

    return run(settings, parsed.name, is_once=parsed.once)


def _certifier(_: Namespace) -> int:
    settings = load_settings(find_exchanges(), os.environ)
    from services.certifier.main import run

    return run(settings)


def _up(parsed: Namespace) -> int:
    from services.operator.commands.up import run

    settings = load_settings(find_exchanges(), os.environ)
    return run(settings, os.environ, has_dashboard=not parsed.no_dashboard)


def _demo(parsed: Namespace) -> int:
    from services.operator.commands.demo import DemoPlan, run
    from services.simulator.found import find_names

    exchanges = find_exchanges()
    settings = load_settings(exchanges, os.environ)
    return run(
        DemoPlan(
            folder=settings.folder / parsed.folder,
            truth=parsed.truth,
            is_fresh=parsed.fresh,
            seconds=parsed.seconds,
            exchanges=[name for name in find_names() if name in exchanges],
            symbols=parsed.symbols,
            rate=parsed.rate,
            faults=parsed.faults,
            transport=parsed.transport,
            has_dashboard=not parsed.no_dashboard,
            dashboard=settings.dashboard,
        ),
        os.environ,
        load=lambda environment: load_settings(exchanges, environment),
        prove=_prove,
    )


def _prove(settings: Settings) -> int:
    from booktape.commands.verify import run

    return run(settings.storage, date=None, as_json=False)


def _status(parsed: Namespace) -> int:
    from services.operator.commands.status import run, tick, watch

    settings = load_settings(find_exchanges(), os.environ)
    if parsed.watch is None:
        return run(settings, as_json=parsed.json, clock_ns=time.time_ns)
    ticks = tick(parsed.watch)
    return watch(settings, as_json=parsed.json, clock_ns=time.time_ns, ticks=ticks)


def _silence(parsed: Namespace) -> int:
    from services.operator.commands.silence import run

    settings = load_settings(find_exchanges(), os.environ)
    return run(settings, parsed.exchange, parsed.until, clock_ns=time.time_ns)


def _metrics(_: Namespace) -> int:
    from services.operator.commands.metrics import run

    return run(load_settings(find_exchanges(), os.environ), clock_ns=time.time_ns)


def _dashboard(_: Namespace) -> int:
    settings = load_settings(find_exchanges(), os.environ)
    from services.dashboard.main import run
    from services.operator.commands.dashboard import StateWatch

    is_supervised = SUPERVISED_VARIABLE in os.environ
    watch = StateWatch(settings.state.path)
    return run(settings, watch, announce=_announce_page, may_be_second=not is_supervised)


def _announce_page(address: str) -> None:
    # For a person at a terminal; supervisord's log has it already.
    if sys.stdout.isatty():
        sys.stdout.write(f"the page: {address}\n")
        sys.stdout.flush()


def _handover(parsed: Namespace) -> int:
    from services.operator.commands.handover import run

    return run(parsed.exchange, load_settings(find_exchanges(), os.environ), os.environ)


def _book(parsed: Namespace) -> int:
    from services.operator.commands.book import run

    exchanges = find_exchanges()
    settings = load_settings(exchanges, os.environ)
    return run(exchanges[parsed.exchange], settings, parsed.symbol, limit=parsed.limit)


def _box(parsed: Namespace) -> int:
    exchanges = find_exchanges()
    if parsed.action == "figures":  # the only one that loads boto3
        from services.operator.box.telling import run as tell

        return tell(load_settings(exchanges, os.environ), os.environ)
    from services.operator.box.main import run

    return run(
        parsed.action,
        parsed.target or "",
        lambda environment: load_settings(exchanges, environment),
        os.environ,
    )


def _exchanges(_: Namespace) -> int:
    from services.operator.commands.exchanges import run

    return run(find_exchanges())


def _probe(parsed: Namespace) -> int:
    from services.operator.commands.probe import run, run_again

    exchanges = find_exchanges()
    if parsed.again:
        return run_again(exchanges, parsed.again)
    settings = load_settings(exchanges, os.environ)
    wanted = [parsed.exchange] if parsed.exchange else list(exchanges)
    chosen = {name: exchanges[name] for name in wanted}
    return run(chosen, settings, minutes=parsed.minutes, out=parsed.out)


def _simulate(parsed: Namespace) -> int:
    from services.simulator.main import run

    return run(parsed.arguments)


if __name__ == "__main__":
    sys.exit(main())
