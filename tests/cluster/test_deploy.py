"""What an administrator is given is what was measured."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.nodes import DCS
from tests.house.tree import ROOT

DEPLOY = ROOT / "deploy"


def test_the_cluster_that_is_deployed_has_the_settings_that_were_measured() -> None:
    said = (DEPLOY / "database" / "patroni.yaml").read_text(encoding="utf-8")
    dcs = said[said.index("  dcs:") : said.index("  initdb:")]

    settings = dict(re.findall(r"^ +(\w+): (\S+)$", dcs, re.M))

    wanted = {name: value for name, value in DCS.items() if name != "postgresql"}
    assert {name: settings[name] for name in wanted} == {
        name: str(value).lower() for name, value in wanted.items()
    }
    assert settings["use_pg_rewind"] == "true"
    for name in ("wal_log_hints", "synchronous_commit"):
        assert settings[name].strip('"') == DCS["postgresql"]["parameters"][name]
    assert "- data-checksums" in said


def test_versions_of_the_test_and_of_the_images_are_the_same() -> None:
    pins = re.compile(r"'(patroni\[\S+\]==\S+|psycopg\[\S+\]==\S+)'")

    image = pins.findall((DEPLOY / "database" / "Dockerfile").read_text(encoding="utf-8"))
    tested = pins.findall((ROOT / "tests" / "cluster" / "needs.sh").read_text(encoding="utf-8"))

    assert image == tested
    assert len(image) == 2


def test_every_variable_of_the_compose_file_stands_in_the_example() -> None:
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")

    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", compose))

    assert asked == set(re.findall(r"^([A-Z0-9_]+)=", example, re.M))
    assert not re.search(r"PASSWORD=.", example)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
def test_the_certificates_of_the_machines_are_signed_and_named(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "certificates.sh", tmp_path)

    command = ["sh", str(tmp_path / "certificates.sh"), "10.0.0.10", "10.0.0.11", "db2.practice.example"]
    subprocess.run(command, check=True, capture_output=True)

    made = tmp_path / "certificates"
    names = []
    for number in range(3):
        node = made / f"node{number}"
        check = ["openssl", "verify", "-CAfile", str(made / "ca" / "ca.crt"), str(node / "node.crt")]
        subprocess.run(check, check=True, capture_output=True)
        show = ["openssl", "x509", "-in", str(node / "node.crt"), "-noout", "-ext", "subjectAltName"]
        names.append(subprocess.run(show, check=True, capture_output=True, text=True).stdout)
        assert (node / "node.key").stat().st_mode & 0o077 == 0
    assert "10.0.0.10" in names[0]
    assert "db2.practice.example" in names[2]
