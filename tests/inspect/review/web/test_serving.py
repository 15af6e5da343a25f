"""The process: how it starts, stops, and what it says."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from taktsight.cli import main
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.serving import listen

from ..records import make_records
from .running_bench import RunningBench, make_admin, running_bench


def test_bench_steps_aside(bench: RunningBench) -> None:
    threads = list(Path(f"/proc/{bench.process.pid}/task").iterdir())
    assert len(threads) > 1
    assert {os.sched_getscheduler(int(thread.name)) for thread in threads} == {os.SCHED_IDLE}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_bench_stops_cleanly_and_keeps_its_people(tmp_path: Path, number: signal.Signals) -> None:
    records = make_records(tmp_path).folder
    with running_bench(records) as first:
        assert len(first.said) == 1
        make_admin(first)
        first.process.send_signal(number)
        assert first.process.wait(30) == 0
        assert len(first.said) == 1, first.said
    with running_bench(records) as second:
        assert second.link == ""
        second.signed_in().close()


def test_bench_writes_below_review_alone(tmp_path: Path) -> None:
    records = make_records(tmp_path).folder
    before = {path: path.read_bytes() for path in records.rglob("*") if path.is_file()}
    with running_bench(records) as bench:
        make_admin(bench)
    after = {
        path for path in records.rglob("*") if path.is_file() and (records / "review") not in path.parents
    }
    assert after - before.keys() <= {records / "ledger.sqlite-shm", records / "ledger.sqlite-wal"}
    assert {path: path.read_bytes() for path in before} == before


def test_no_answer_waits_for_the_browser_to_acknowledge_its_headers() -> None:
    _, listening = listen(Address(port=0))
    with listening:
        assert listening.proto == socket.IPPROTO_TCP, "else asyncio leaves Nagle on: 40 ms an answer"


def test_taken_port_is_said(bench: RunningBench) -> None:
    port = bench.url.rpartition(":")[2]
    command = [sys.executable, "-m", "taktsight.cli", "review", str(bench.records), "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "is another bench running?" in done.stderr


def test_folder_without_a_ledger_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "reset-link", str(tmp_path), "anna"]) == 2
    assert "holds no ledger.sqlite" in capsys.readouterr().err


def test_account_from_the_command_line(bench: RunningBench) -> None:
    command = [sys.executable, "-m", "taktsight.cli", "review", "add-user", str(bench.records), "otto"]
    made = subprocess.run([*command, "--role", "auditor"], capture_output=True, text=True, check=True)
    link = made.stdout.split()[0].partition("/link/")[2]
    with bench.client() as client:
        assert "A new password for otto" in client.get(f"/link/{link}").text


def test_tls_marks_the_cookie_secure(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    records = make_records(tmp_path).folder
    with running_bench(records, "--tls-cert", str(certificate), "--tls-key", str(key)) as bench:
        assert bench.url.startswith("https://")
        import ssl

        with httpx.Client(
            verify=ssl.create_default_context(cafile=str(certificate)), trust_env=False
        ) as client:
            answer = client.get(bench.url + bench.link)
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-taktsight-")
        assert "; secure" in cookie.lower()


def test_key_that_does_not_fit_is_said(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    key.write_text("no key\n")
    records = make_records(tmp_path).folder
    command = [sys.executable, "-m", "taktsight.cli", "review", str(records), "--port", "0"]
    command += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "--tls-key" in done.stderr


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.timezone.utc)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(own, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "bench.pem", folder / "bench.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths
