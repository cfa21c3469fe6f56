"""The way from the browser: TLS of our own, or a proxy that is believed about it."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phyassist.errors import BadSetting

if TYPE_CHECKING:
    from phyassist.settings import Settings

# TLS 1.3 brings its own; these are what is left of TLS 1.2 where the past cannot be opened with a later key.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True)
class Transport:
    """`proxies` are the addresses whose X-Forwarded-Proto and X-Forwarded-For are believed."""

    cert: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        return "https" if self.cert else "http"

    @property
    def is_sealed(self) -> bool:
        """Whether what leaves this computer is encrypted, as far as we were told."""
        return bool(self.cert or self.proxies)


def find_transport(settings: Settings) -> Transport:
    """Raises BadSetting for half a pair of files, files that do not fit, an address that is none."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise BadSetting(
            "a certificate and its key go together", hint="give tls_cert and tls_key, or neither of them"
        )
    if settings.tls_cert and settings.tls_key:
        check_certificate(settings.tls_cert, settings.tls_key)
    return Transport(settings.tls_cert, settings.tls_key, parse_proxies(settings.behind_proxy))


def check_certificate(cert: Path, key: Path) -> None:
    """Raises BadSetting where the two files are not a certificate and its key."""

    def no_password() -> str:
        raise BadSetting(f"{key} is locked with a password", hint="give a key without one, readable by you")

    for path in (cert, key):
        if not path.is_file():
            raise BadSetting(f"{path} is not there", hint="give the files in PEM form")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=no_password)
    except (ssl.SSLError, OSError) as error:
        raise BadSetting(
            f"{cert} and {key} are not a certificate and its key",
            hint="both in PEM form, the chain in one file",
        ) from error


def parse_proxies(text: str) -> tuple[str, ...]:
    """Addresses or networks, parted by commas.  Raises BadSetting; "everyone" is no proxy."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in found:
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise BadSetting(
                "the setting behind_proxy holds something that is no address",
                hint="give addresses or networks such as 127.0.0.1 or 10.0.0.0/24",
            ) from None
        if network.prefixlen == 0:
            raise BadSetting(
                "the setting behind_proxy believes everybody", hint="give the address of the proxy alone"
            )
    return found


def parse_names(text: str) -> tuple[str, ...]:
    """Host names, parted by commas."""
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())
