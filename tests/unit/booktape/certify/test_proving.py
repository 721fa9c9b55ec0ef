import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from booktape.certify.proving import CertificatesProof, prove_certificates
from booktape.proof.findings import Report
from booktape.proof.verify import verify
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all, edit_certificate, leave_certified_alone
from tests.support.hand_tape import BTC, ETH, A, HandTape, delta, feed, snapshot, trade

LEVEL = ("bid", 99.0, 1.0)
TOMORROW_S = 86_400


@pytest.fixture
def tape(tmp_path: Path) -> HandTape:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL), snapshot(1, 2, symbol=ETH))
    tape.write(A, delta(2, 1, LEVEL), trade(3, "t1", event=2.9), feed(4, "crossed", BTC))
    tape.write(A, feed(9, "session_end", reason="stopped", events=7))
    certify_all(tape.root, tmp_path / "temporary")
    return tape


def prove(tape: HandTape) -> CertificatesProof:
    return prove_certificates(FolderStore(tape.root), f"file:{tape.root}")


def faults(tape: HandTape) -> list[str]:
    return [f"{one.key}: {one.reason}" for one in prove(tape).faults]


def test_what_was_certified_is_proven(tape: HandTape) -> None:
    proof = prove(tape)
    assert ([], [], []) == (proof.faults, proof.pending, proof.expired)
    assert {(A, 0, 2), (A, 3, 5), (A, 6, 6)} == proof.held


@pytest.mark.parametrize("table", ["book", "trades", "feed_events"])
def test_a_changed_byte_is_found(tape: HandTape, table: str) -> None:
    [path] = (tape.root / "daily" / table).rglob("*.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    [fault] = faults(tape)
    assert f"daily/{table}/" in fault
    assert "it is not the file that its certificate names" in fault
    assert not prove(tape).held


def test_a_file_that_is_gone_is_found(tape: HandTape) -> None:
    [path] = (tape.root / "daily/trades").rglob("*.parquet")
    path.unlink()
    [fault] = faults(tape)
    assert "daily/trades/" in fault


def edit(tape: HandTape, change: Callable[[dict[str, Any]], None]) -> None:
    def change_bytes(data: bytes) -> bytes:
        said = json.loads(data)
        change(said)
        return json.dumps(said).encode()

    edit_certificate(tape.root, change_bytes)


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "events": lambda said: said["symbols"][0]["events"].update(book=3),
    "rows": lambda said: said["symbols"][0]["rows"].update(book=9),
    "epochs": lambda said: said["symbols"][0].update(epochs=2),
    "known_us": lambda said: said["symbols"][0].update(known_us=1),
    "crossed": lambda said: said["symbols"][0].update(crossed=0),
    "audits": lambda said: said["symbols"][0].update(audits=1),
    "gaps": lambda said: said["symbols"][0]["gaps"].pop(),
    "offsets": lambda said: said["symbols"][0]["offsets"]["trades"].update(p50=0),
    "a symbol": lambda said: said["symbols"].pop(),
    "condition": lambda said: said.update(condition="degraded"),
    "a symbol's condition": lambda said: said["symbols"][0].update(condition="degraded"),
    "journal_holes": lambda said: said.update(journal_holes=1),
    "content_sha256": lambda said: said["files"][0].update(content_sha256="0" * 64),
    "sha256": lambda said: said["files"][0].update(sha256="0" * 64),
    "a manifest's sha256": lambda said: said["manifests"][0].update(sha256="0" * 64),
    "rows of a manifest": lambda said: said["manifests"][0]["tables"]["book"].update(rows=9),
    "version": lambda said: said.update(version=9),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_certificate_is_found(tape: HandTape, name: str) -> None:
    edit(tape, FORGERIES[name])
    assert 1 == len(faults(tape)), faults(tape)


def test_a_missing_manifest_is_found(tape: HandTape) -> None:
    [path] = (tape.root / "ledger").rglob("*-000000000003-*.json")
    path.unlink()
    [fault] = faults(tape)
    assert "000000000003" in fault
    assert "a manifest that its day's certificate names is gone" in fault


def test_a_changed_manifest_is_found(tape: HandTape) -> None:
    [path] = (tape.root / "ledger").rglob("*-000000000003-*.json")
    path.write_bytes(path.read_bytes() + b" ")
    [fault] = faults(tape)
    assert "it differs from the manifest in its day's certificate" in fault


def test_what_a_rule_removes_is_expired_where_certified_days_hold(tape: HandTape) -> None:
    leave_certified_alone(tape.root)
    proof = prove(tape)
    assert [] == proof.faults
    store = FolderStore(tape.root)
    assert not verify(store).ok
    report = verify(store, held=proof.held)
    proof.add_to(report)
    assert report.ok, report.faults
    assert [0, 3, 6] == [one.first for one in report.expired]
    for path in (tape.root / "ledger").rglob("*.json"):
        path.unlink()
    proof = prove(tape)
    assert [] == proof.faults
    assert 3 == len(proof.expired)


def test_the_rule_takes_the_oldest_manifests_first(tape: HandTape) -> None:
    leave_certified_alone(tape.root)
    [path] = (tape.root / "ledger").rglob("*-000000000000-*.json")
    path.unlink()
    proof = prove(tape)
    assert ([], [0]) == (proof.faults, [one.first for one in proof.expired])
    report = verify(FolderStore(tape.root), held=proof.held)
    assert report.ok, report.faults


def test_what_came_after_a_day_was_certified_is_pending(tape: HandTape, tmp_path: Path) -> None:
    tape.write("20261122T115900.000000Z-bitvavo-b", snapshot(1, 0, LEVEL))
    [pending] = prove(tape).pending
    assert "a manifest came after its day was certified" == pending.reason
    report = Report(ok=True)
    prove(tape).add_to(report)
    assert (True, [pending]) == (report.ok, report.pending)
    certify_all(tape.root, tmp_path / "temporary")
    proof = prove(tape)
    assert ([], [], 4) == (proof.faults, proof.pending, len(proof.held))


def test_revisions_that_contradict_each_other_are_found(tape: HandTape, tmp_path: Path) -> None:
    tape.write("20261122T115900.000000Z-bitvavo-b", snapshot(1, 0, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    path = next((tape.root / "daily/certificates").rglob("rev=0.json"))
    said = json.loads(path.read_bytes())
    said["manifests"][0]["sha256"] = "0" * 64
    path.write_bytes(json.dumps(said).encode())
    [fault] = faults(tape)
    assert "it contradicts revision 0" in fault


def test_a_day_whose_day_before_is_gone_is_proven_as_far_as_it_can_be(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL))
    tape.write(A, delta(TOMORROW_S, 1, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    for path in tape.root.rglob("date=2026-11-22/**/*"):
        if path.is_file():
            path.unlink()
    for path in sorted(tape.root.rglob("date=2026-11-22/**"), reverse=True):
        path.rmdir()
    assert [] == faults(tape)
