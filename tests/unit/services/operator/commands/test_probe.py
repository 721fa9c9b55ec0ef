import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event

import pytest
from msgspec.structs import replace

from services.operator.commands import probe as module
from services.operator.commands.probe import run, run_again
from services.operator.probe import probing
from services.operator.probe.evaluation import Evaluation
from services.operator.probe.record import ProbeRecord
from services.operator.probe.recording import read
from services.operator.probe.steps import Get, Send, Step, Wait
from services.operator.probe.table import Assumption
from shared.event import Throttled
from shared.exchange import Cost, Exchange
from shared.process.configured import load_settings
from shared.process.signals import STOP_SIGNALS
from shared.transport.limits import Limits
from tests.support.rest_server import Answer, RestServer
from tests.support.toys import make_exchange, make_rest
from tests.unit.services.operator.probe.test_evaluation import PROBING

POINT = Cost("points")
STEPS: list[Step] = [Get("/x", POINT), Wait(0.01), Get("/y", POINT)]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def rest() -> Iterator[RestServer]:
    with RestServer() as server:
        server.answers[""] = Answer("{}")
        yield server


Probe = Callable[..., int]


@pytest.fixture
def probe(rest: RestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Probe a toy by these steps; it is wanted to answer two questions."""
    monkeypatch.chdir(tmp_path)

    def start(steps: list[Step], *, enough: int = 2, toy: Exchange | None = None) -> int:
        declared = probing.Probing(
            assumptions=(Assumption("X", "it speaks", "facts", enough=enough),),
            reading=PROBING.reading,
            judges=PROBING.judges,
            script=lambda *_: iter(steps),
            pings="X",
            ping_s=50.0,
        )
        monkeypatch.setattr(probing, "find_names", lambda: ["toy"])
        monkeypatch.setattr(probing, "load", lambda _name: declared)
        exchanges = {"toy": replace(toy or make_exchange(), rest_url=rest.url)}
        settings = load_settings(exchanges, {})
        return run(exchanges, settings, minutes=0.01, out=tmp_path / "out")

    return start


def kept(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "out").glob("toy-*.jsonl.zst")
    return path


def test_what_comes_is_kept_beside_the_table(
    probe: Probe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Nothing came over a socket, so that the rows of all exchanges are not seen.
    assert 2 == probe(STEPS)
    records = list(read(kept(tmp_path)))
    assert [("answer", "/x"), ("answer", "/y")] == [(one.kind, one.path) for one in records]
    said = capsys.readouterr().out
    assert f"toy: 0.01 minutes; every message goes to {kept(tmp_path)}" in said
    (text,) = (tmp_path / "out").glob("toy-*.txt")
    assert "X    it speaks" in text.read_text(encoding="utf-8")
    assert text.read_text(encoding="utf-8") in said
    assert "ended early" not in said


def test_its_points_are_shared_with_the_feeds(probe: Probe, tmp_path: Path) -> None:
    probe(STEPS)
    toy = make_exchange()
    path = tmp_path / "var" / "limits" / "toy.json"
    limits = Limits(path, toy.limits, steady_s=lambda: 0.0, share=0.8)
    assert 0.0 == limits.spend(Cost("points", 78))
    assert 0.0 < limits.spend(Cost("points"))


def test_what_was_kept_is_judged_again(
    probe: Probe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe(STEPS)
    (text,) = (tmp_path / "out").glob("toy-*.txt")
    capsys.readouterr()
    assert 2 == run_again({"toy": make_exchange()}, kept(tmp_path))
    assert text.read_text(encoding="utf-8") == capsys.readouterr().out


def test_a_file_of_another_name_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run_again({"toy": make_exchange()}, tmp_path / "x.jsonl.zst")
    assert "its name begins with no probed exchange" in capsys.readouterr().out


def test_an_exchange_without_a_probe_is_told(
    probe: Probe, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 2 == probe(STEPS)
    monkeypatch.setattr(probing, "find_names", list)
    exchanges = {"toy": make_exchange()}
    assert 2 == run(exchanges, load_settings(exchanges, {}), minutes=1.0, out=Path("out"))
    assert "toy: no probe lists our assumptions about it" in capsys.readouterr().out


@pytest.mark.parametrize(("statuses", "status"), [([0, 0], 0), ([2, 1], 1), ([0, 2], 2), ([], 0)])
def test_of_several_exchanges_the_worst_counts(statuses: list[int], status: int) -> None:
    assert status == module._worst(statuses)


def test_a_ban_ends_it_and_blocks_everybody(
    probe: Probe, tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: RestServer
) -> None:
    def ban_s(status: int, _headers: Mapping[str, str], *_: object) -> float | None:
        return 900.0 if status == 429 else None

    rest.answers["/x"] = Answer("{}", 429)
    toy = make_exchange(rest=make_rest(ban_s=ban_s))
    assert 2 == probe(STEPS, toy=toy)
    assert ["/x"] == [one.path for one in read(kept(tmp_path))]
    assert "The probe ended early" in capsys.readouterr().out
    path = tmp_path / "var" / "limits" / "toy.json"
    assert 800.0 < Limits(path, toy.limits, steady_s=lambda: 0.0).blocked_s()


def test_a_word_to_stop_over_a_socket_is_a_ban_too(tmp_path: Path) -> None:
    toy = make_exchange(parse=lambda _: [Throttled("stop")])
    limits = Limits(tmp_path / "x", toy.limits, steady_s=lambda: 0.0)
    evaluation = Evaluation(toy, PROBING)
    message = ProbeRecord(ts=0, door="a", kind="text", text="{}")
    assert not module._find_ban(toy, limits, evaluation, message)
    evaluation.see(message)
    assert module._find_ban(toy, limits, evaluation, message)
    assert module.BAN_S == limits.blocked_s()


def test_ctrl_c_ends_it_with_a_table(
    probe: Probe, capsys: pytest.CaptureFixture[str], rest: RestServer
) -> None:
    asked = Event()

    def arrive(_path: str) -> None:
        if not asked.is_set():
            asked.set()
            signal.raise_signal(signal.SIGINT)

    rest.arrive = arrive
    assert 2 == probe([Get("/x", POINT), Wait(1000.0), Send("a", "never")])
    assert "The probe ended early" in capsys.readouterr().out
