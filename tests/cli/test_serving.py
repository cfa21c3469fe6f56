from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from phyassist.cli.serving import is_loopback, take_port
from phyassist.errors import BadSetting
from tests.cli.conftest import Cli


@pytest.fixture
def taken() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def test_a_port_that_is_taken_is_a_sentence_with_the_next_one(cli: Cli, taken: socket.socket):
    port = taken.getsockname()[1]

    ran = cli("serve", "--port", str(port))

    taken.close()
    assert ran.code == 2
    assert f"port {port} is taken, perhaps by a workspace that is already open" in ran.err
    assert f"--port {port + 1}" in ran.err


def test_an_address_that_is_not_ours_is_a_sentence():
    with pytest.raises(BadSetting, match=r"192\.0\.2\.1 is not an address of this computer"):
        take_port("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "is_ours"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("192.0.2.7", False)]
)
def test_loopback_is_told_from_the_rest(host: str, is_ours: bool):
    assert is_loopback(host) is is_ours


def test_the_workspace_opens_without_a_model_says_so_and_ends_on_ctrl_c(home: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "phyassist.cli.main", "serve", "--port", str(port)]

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            page = _wait_for(f"http://127.0.0.1:{port}/")
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=30)[1]

    assert page.status_code == 200
    assert "PhyAssist" in page.text
    assert "PA-MODEL-MISSING" in said
    assert f"PhyAssist is open on http://127.0.0.1:{port}" in said
    assert "Traceback" not in said


def _wait_for(address: str) -> httpx.Response:
    until = time.monotonic() + 60
    while True:
        try:
            return httpx.get(address, follow_redirects=True)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
