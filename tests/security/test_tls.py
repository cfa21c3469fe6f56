"""The server itself, as `phyassist serve` starts it, spoken to over a real socket."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from phyassist.cli.transport import find_transport, parse_proxies
from phyassist.errors import BadSetting
from phyassist.settings import Settings

NAME = "localhost"
SETUP = {
    "name": "Dr. Wen",
    "passphrase": "seven quiet herons at dawn",
    "again": "seven quiet herons at dawn",
    "language": "en",
    "jurisdiction": "cn",
    "zone": "Asia/Shanghai",
}


def make_certificate(folder: Path, password: bytes = b"") -> tuple[Path, Path]:
    """A certificate that signs itself, for localhost and 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    return paths


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*flags: str) -> Iterator[int]:
    """`phyassist serve` in a process of its own; its port once it answers connections."""
    port = free_port()
    command = [sys.executable, "-m", "phyassist.cli.main", "serve", "--port", str(port), *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            until = time.monotonic() + 60
            while "PhyAssist is open on" not in str(process.stderr and process.stderr.readline()):
                assert time.monotonic() < until and process.poll() is None, "it did not open"
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def say(port: int, *lines: str, body: bytes = b"") -> bytes:
    """What the server answers to these very lines."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(65_536):
            answer += piece
    return answer


def test_with_a_certificate_the_workspace_speaks_tls_alone(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))

    with serving("--tls-cert", str(cert), "--tls-key", str(key)) as port:
        url = f"https://127.0.0.1:{port}"
        with httpx.Client(base_url=url, verify=trust, headers={"Origin": url}) as browser:
            reply = browser.post("/setup", data=SETUP)
            inside = browser.get("/patients")
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            trust.wrap_socket(raw, server_hostname=NAME) as wrapped,
        ):
            spoken, cipher = wrapped.version(), wrapped.cipher()
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/unlock")
        old = ssl.create_default_context(cafile=str(cert))
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES128-SHA:AES256-GCM-SHA384")
        with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", port)) as raw:
            old.wrap_socket(raw, server_hostname=NAME)

    cookie = next(each for each in reply.headers.get_list("set-cookie") if "login" in each)
    assert cookie.startswith("__Host-phyassist_login=")
    assert "Secure" in cookie
    assert inside.status_code == 200
    assert inside.headers["strict-transport-security"].startswith("max-age=")
    assert spoken == "TLSv1.3"
    assert cipher is not None


def test_a_proxy_is_believed_and_nobody_else_is(home: Path) -> None:
    says = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}

    with serving("--behind-proxy", "127.0.0.1", "--names", "notes.practice.example") as port:
        url = f"http://127.0.0.1:{port}"
        host = {"Host": "notes.practice.example"}
        believed = httpx.get(f"{url}/setup", headers={**says, **host})
        written = httpx.post(
            f"{url}/setup", data=SETUP, headers={**says, **host, "Origin": "https://notes.practice.example"}
        )
    with serving() as port:
        plain = httpx.get(f"http://127.0.0.1:{port}/unlock", headers=says)
    with serving("--behind-proxy", "192.0.2.1") as port:
        other = httpx.get(f"http://127.0.0.1:{port}/unlock", headers=says)

    assert "strict-transport-security" in believed.headers
    assert "__Host-phyassist_login" in str(written.headers.get_list("set-cookie"))
    assert "strict-transport-security" not in plain.headers
    assert "strict-transport-security" not in other.headers


def test_a_request_with_two_meanings_is_refused() -> None:
    ours = "Host: 127.0.0.1"
    form = "Content-Type: application/x-www-form-urlencoded"
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    with serving() as port:
        two_hosts = say(port, "GET /alive HTTP/1.1", ours, "Host: evil.example")
        no_host = say(port, "GET /alive HTTP/1.1")
        two_lengths = say(
            port, "POST /unlock HTTP/1.1", ours, form, "Content-Length: 4", "Content-Length: 40", body=b"a=bc"
        )
        both = say(
            port,
            "POST /unlock HTTP/1.1",
            ours,
            form,
            f"Content-Length: {len(smuggled)}",
            "Transfer-Encoding: chunked",
            body=smuggled,
        )
        bare = say(port, "GET /alive HTTP/1.1", "Host : 127.0.0.1")
        absolute = say(port, "GET http://evil.example/setup HTTP/1.1", "Host: evil.example")

    for answer in (two_hosts, no_host, two_lengths, bare, absolute):
        assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    # One reading wins and the connection ends: what was hidden behind the other one is never answered.
    assert both.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))
    assert both.count(b"HTTP/1.1 ") == 1
    assert b"server:" not in absolute.lower()


@pytest.mark.parametrize(
    ("cert", "key", "why"),
    [
        ("cert.pem", "", "go together"),
        ("", "key.pem", "go together"),
        ("cert.pem", "nothing.pem", "is not there"),
        ("key.pem", "cert.pem", "not a certificate and its key"),
        ("cert.pem", "other/key.pem", "not a certificate and its key"),
        ("cert.pem", "locked/key.pem", "locked with a password"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_a_sentence(
    cert: str, key: str, why: str, tmp_path: Path, home: Path
) -> None:
    for name in ("other", "locked"):
        (tmp_path / name).mkdir()
    make_certificate(tmp_path)
    make_certificate(tmp_path / "other")
    make_certificate(tmp_path / "locked", password=b"secret")
    settings = Settings(
        home=home, tls_cert=tmp_path / cert if cert else None, tls_key=tmp_path / key if key else None
    )

    with pytest.raises(BadSetting, match=why):
        find_transport(settings)


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "the proxy", "10.0.0.1;10.0.0.2"])
def test_believing_everybody_is_refused(proxies: str) -> None:
    with pytest.raises(BadSetting, match="behind_proxy"):
        parse_proxies(proxies)


def test_proxies_are_addresses_and_networks() -> None:
    assert parse_proxies("127.0.0.1, 10.0.0.0/24,::1") == ("127.0.0.1", "10.0.0.0/24", "::1")
