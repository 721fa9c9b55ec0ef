"""The command `demo`: records simulated exchanges on loopback, then proves the tape."""

import shlex
import time
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path

from msgspec import Struct

import booktape
from booktape.errors import BooktapeError, TapeError
from services.operator.commands import up
from services.operator.commands.demo_folder import (
    STATE,
    Address,
    make_environment,
    make_folder,
    write_configuration,
)
from services.operator.commands.progress import Progress
from services.operator.commands.simulators import Simulators
from services.operator.commands.stopping import Stopping, catch_stop
from services.operator.commands.up import say
from services.operator.health.health import Health, gather
from services.operator.supervision.programs import prepare
from services.operator.supervision.recording import Recording
from shared.process.settings import DashboardSettings, Settings
from shared.process.state import StateFolder

# Steps may be under way when the markets stop: a resync, a reconnect after a silent stall.
SETTLE_MIN_S, SETTLE_MAX_S = 3.0, 45.0
LOOK_S = 0.5
HINT = "This is a fault of ours: the simulators listen on loopback."


class DemoPlan(Struct, frozen=True, kw_only=True):
    """The demo's arguments."""

    folder: Path
    truth: Path | None  # folder of the truth files; None: <folder>/truth
    is_fresh: bool
    seconds: float | None  # None: until Ctrl-C
    exchanges: list[str]
    symbols: int
    rate: float
    faults: str | None
    transport: str = "websocket"
    has_dashboard: bool = True
    dashboard: DashboardSettings = DashboardSettings()


def run(
    plan: DemoPlan,
    environment: Mapping[str, str],
    *,
    load: Callable[[Mapping[str, str]], Settings],
    prove: Callable[[Settings], int],
) -> int:
    """Record the simulated exchanges, drain, prove the tape; return 0 if it is whole."""
    make_folder(plan.folder, is_fresh=plan.is_fresh)
    own = make_environment(plan.folder, environment)
    with catch_stop() as stopping, Simulators() as simulators:
        addresses = _start(simulators, plan, own)
        write_configuration(plan.folder, addresses, plan.dashboard, transport=plan.transport)
        settings = load(own)
        left_out = up.find_left_out(settings, plan.has_dashboard)
        recording = Recording(prepare(settings, own, without=left_out))
        recording.start()
        is_drained = _record(plan, settings, recording, simulators, stopping)
    status = prove(settings)
    say_examples(plan.folder)
    return status if is_drained else max(status, 1)


def say_examples(folder: Path) -> None:
    """Print commands that show the tape, ready to copy."""
    url = f"file:{folder / 'data'}"
    typed = shlex.quote(url)
    say("\nlook at it:")
    say(f"  booktape verify {typed}")
    market = find_market(url)
    if market is None:
        return
    say(f"  booktape top {market} --tape {typed} --every 10s")
    say(f"  booktape coverage {market} --tape {typed}")
    say("in Python, where docs/reading.md has more:")
    say("  import booktape")
    say(f'  print(booktape.open({url!r}).top("{market}", depth=1, every="10s").to_arrow())')


def find_market(url: str) -> str | None:
    """Return a market of the tape that has a book, preferably of Bitcoin."""
    try:
        symbols = booktape.open(url).symbols().to_arrow().to_pylist()
    except TapeError:
        return None
    markets = [f"{row['exchange']}:{row['symbol']}" for row in symbols if "book" in row["tables"]]
    return next((name for name in markets if ":BTC-" in name), markets[0] if markets else None)


def _start(
    simulators: Simulators, plan: DemoPlan, environment: Mapping[str, str]
) -> dict[str, Address]:
    truth = plan.truth or plan.folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    state = StateFolder(plan.folder / STATE)
    state.logs.mkdir(parents=True)
    addresses = {}
    for exchange in plan.exchanges:
        file = truth / f"{exchange}.jsonl"
        if file.exists():
            raise BooktapeError(f"{file} exists already; choose another folder with --truth")
        options = ["--symbols", str(plan.symbols), "--rate", str(plan.rate), "--truth", str(file)]
        if plan.faults:
            options += ["--faults", plan.faults]
        addresses[exchange] = simulators.start(
            exchange, options, environment=environment, log=state.log(f"simulate_{exchange}")
        )
    return addresses


def _record(
    plan: DemoPlan,
    settings: Settings,
    recording: Recording,
    simulators: Simulators,
    stopping: Stopping,
) -> bool:
    """Watch until the end, stop the markets, drain; return whether all ended in order."""
    until = "Ctrl-C" if plan.seconds is None else f"{plan.seconds:g} s have passed"
    up.say_unrecorded(settings, recording.conf)
    say(f"booktape records simulated exchanges into {settings.storage.url} until {until}")
    say(f"  look at it:   BOOKTAPE_CONFIG={plan.folder / 'booktape.toml'} booktape status")
    say(f"  operate it:   supervisorctl -c {recording.conf} status")
    progress = Progress(say, hint=HINT)
    state = settings.state.path

    def look(health: Health, age_s: float) -> None:
        ended = simulators.find_ended()
        if ended is not None:
            raise BooktapeError(f"the simulator of {ended} ended; see {settings.state.folder.logs}")
        progress.look(health, age_s)

    try:
        up.watch(recording, state, stopping, look, seconds=plan.seconds or inf)
        simulators.quiesce()
        _settle_markets(recording, state, stopping)
    finally:
        is_drained = up.drain(recording, state)
    return is_drained


def _settle_markets(recording: Recording, state: Path, stopping: Stopping) -> None:
    """Wait until each book is live: then it equals the simulator's, which stands still."""
    say("the markets stand still; waiting until each book is live")
    impatient = stopping.count + 1
    start_s = time.monotonic()
    while recording.is_running and stopping.count < impatient:
        waited_s = time.monotonic() - start_s
        health = gather(state, recording.supervisor, now_ns=time.time_ns())
        is_live = all(p.state == "live" for p in health.processes if p.exchange)
        if waited_s > SETTLE_MAX_S or (is_live and waited_s > SETTLE_MIN_S):
            return
        time.sleep(LOOK_S)
