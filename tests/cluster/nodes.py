"""A real cluster on loopback: three nodes, each an etcd, a Patroni and a PostgreSQL of its own.

Its settings are those that were measured; docs/cluster.md says why.  Everything lies in one folder, runs as a
user who is not root, and ends with `stop`.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

NODES = 3
PASSWORD = "only on loopback, only for this run"
_POSTGRES, _ETCD, _PEER, _REST = 54310, 54320, 54330, 54340
DCS: dict[str, Any] = {
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 6,
    "primary_start_timeout": 0,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "synchronous_node_count": 1,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            "wal_log_hints": "on",
            "synchronous_commit": "on",
            "shared_buffers": "32MB",
            "max_connections": 60,
            "max_wal_size": "256MB",
            "log_min_messages": "fatal",
        },
    },
}


class Missing(Exception):
    """What has to be installed first, as a sentence."""


def find_postgresql() -> Path:
    """PostgreSQL's own programs.  Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    if not found:
        raise Missing("PostgreSQL is missing: sh tests/cluster/needs.sh")
    return found[0].parent


def find_programs(patroni: Path) -> Path:
    """The same where the rest of a cluster is there too.  Raises Missing."""
    if shutil.which("etcd") is None or not patroni.exists():
        raise Missing("etcd or Patroni is missing: sh tests/cluster/needs.sh")
    return find_postgresql()


class Node:
    """One machine, as it were: three servers that die together when it loses its power."""

    def __init__(self, number: int, folder: Path, patroni: Path, programs: Path) -> None:
        self.number, self.name = number, f"node{number}"
        self.folder, self._patroni, self._programs = folder / self.name, patroni, programs
        self._etcd: subprocess.Popen[bytes] | None = None
        self._manager: subprocess.Popen[bytes] | None = None
        self._was_started = False

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{_REST + self.number}"

    def make(self) -> None:
        self.folder.mkdir(mode=0o700)
        config = self.folder / "patroni.json"
        config.write_text(json.dumps(self._configure(), indent=1))
        if owner := other_user():
            for path in (self.folder, config):
                os.chown(path, owner["user"], owner["group"])

    def start_etcd(self) -> None:
        peers = ",".join(f"node{number}=http://127.0.0.1:{_PEER + number}" for number in range(NODES))
        mine, peer = f"http://127.0.0.1:{_ETCD + self.number}", f"http://127.0.0.1:{_PEER + self.number}"
        self._etcd = self._run(
            "etcd",
            *("--name", self.name, "--data-dir", str(self.folder / "etcd")),
            *("--listen-client-urls", mine, "--advertise-client-urls", mine),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", peers, "--initial-cluster-token", "practice"),
            *("--initial-cluster-state", "existing" if self._was_started else "new"),
            *("--heartbeat-interval", "200", "--election-timeout", "2000", "--log-level", "error"),
        )
        self._was_started = True

    def start_patroni(self) -> None:
        self._manager = self._run(str(self._patroni), str(self.folder / "patroni.json"))

    def postmaster(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def kill_postmaster(self) -> None:
        os.kill(self.postmaster(), signal.SIGKILL)

    def kill(self) -> None:
        """All of it at once, as when the power goes."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.postmaster(), signal.SIGKILL)
        for process in (self._manager, self._etcd):
            if process is not None:
                process.kill()
                process.wait()

    def stop(self) -> None:
        """In good order; what does not end by itself is killed."""
        for process in (self._manager, self._etcd):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(self.postmaster(), signal.SIGQUIT)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.folder / "log").open("ab")
        environment = {"PATH": f"{self._programs}:/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C"}
        user: dict[str, Any] = other_user()
        if user:
            user["extra_groups"] = []
        return subprocess.Popen(
            [*command],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=environment,
            start_new_session=True,
            **user,
        )

    def _configure(self) -> dict[str, Any]:
        here = f"127.0.0.1:{_POSTGRES + self.number}"
        known = {"password": PASSWORD}
        return {
            "scope": "practice",
            "name": self.name,
            "restapi": {
                "listen": f"127.0.0.1:{_REST + self.number}",
                "connect_address": f"127.0.0.1:{_REST + self.number}",
            },
            "etcd3": {"hosts": [f"127.0.0.1:{_ETCD + number}" for number in range(NODES)]},
            "log": {"level": "WARNING"},
            "bootstrap": {"dcs": DCS, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"]},
            "postgresql": {
                "listen": here,
                "connect_address": here,
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(self._programs),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", **known},
                    "replication": {"username": "replicator", **known},
                    "rewind": {"username": "rewinder", **known},
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": [
                    "local all all scram-sha-256",
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                ],
            },
        }


class Cluster:
    """Three nodes; `with Cluster(...) as cluster` starts and stops them."""

    def __init__(self, patroni: Path, *, under: Path) -> None:
        self.programs = find_programs(patroni)
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=under))
        self.folder.chmod(0o755)
        self.nodes = [Node(number, self.folder, patroni, self.programs) for number in range(NODES)]

    def __enter__(self) -> Cluster:
        try:
            for node in self.nodes:
                node.make()
                node.start_etcd()
            for node in self.nodes:
                node.start_patroni()
            self.wait_until_whole()
            self._make_database()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """What `PHYASSIST_STORE_URL` is for the workspace."""
        hosts = "&".join(f"host=127.0.0.1:{_POSTGRES + number}" for number in range(NODES))
        password = PASSWORD.replace(" ", "%20").replace(",", "%2C")
        return (
            f"postgresql+psycopg://phyassist:{password}@/practice?{hosts}"
            "&target_session_attrs=read-write&connect_timeout=2&keepalives_idle=2&tcp_user_timeout=3000"
        )

    def members(self) -> dict[str, dict[str, Any]]:
        """What the nodes say of each other, by name; of nobody where no node answers."""
        for node in self.nodes:
            found = ask(node.rest + "/cluster")
            if found is not None:
                return {each["name"]: each for each in found.get("members", [])}
        return {}

    def primary(self) -> Node:
        """The node that takes writes; waits for there to be one."""
        found: list[Node] = []

        def look() -> bool:
            found[:] = [node for node in self.nodes if answers(node.rest + "/primary")]
            return len(found) == 1

        wait_for(look, "a primary", 90)
        return found[0]

    def wait_until_whole(self, *, synchronous: bool = True, within_s: float = 120) -> None:
        """Until every node runs and, in synchronous mode, a named standby confirms each commit."""

        def is_whole() -> bool:
            members = self.members()
            good = [each for each in members.values() if each.get("state") in {"running", "streaming"}]
            roles = {each.get("role") for each in good}
            wanted = {"leader", "sync_standby"} if synchronous else {"leader"}
            # A standby whose lag is unknown does not follow yet.
            lags = [each.get("lag") for each in good if each.get("role") != "leader"]
            follow = all(isinstance(lag, int) and lag < 1 << 20 for lag in lags)
            return len(good) == NODES and wanted <= roles and follow

        wait_for(is_whole, "a whole cluster", within_s)

    def set_synchronous(self, wanted: bool) -> None:
        change = {"synchronous_mode": wanted, "synchronous_mode_strict": wanted}
        httpx.patch(self.primary().rest + "/config", json=change, timeout=5).raise_for_status()
        wait_for(
            lambda: (self.ask_primary("SHOW synchronous_standby_names")[0][0] != "") is wanted,
            "the synchronous mode to change",
            60,
        )

    def ask_primary(self, statement: str) -> list[tuple[Any, ...]]:
        import psycopg

        address = f"host=127.0.0.1 port={_POSTGRES + self.primary().number} user=postgres dbname=postgres"
        with psycopg.connect(address, password=PASSWORD, autocommit=True, connect_timeout=3) as conn:
            found = conn.execute(statement.encode())
            return found.fetchall() if found.description else []

    def _make_database(self) -> None:
        self.ask_primary(f"CREATE ROLE phyassist LOGIN PASSWORD '{PASSWORD}'")
        self.ask_primary("CREATE DATABASE practice OWNER phyassist")


def ask(url: str) -> dict[str, Any] | None:
    """What a node answers; None where it does not."""
    try:
        reply = httpx.get(url, timeout=2)
        found: dict[str, Any] = reply.json()
    except (httpx.HTTPError, ValueError):
        return None
    return found


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def wait_for(true: Callable[[], bool], what: str, within_s: float) -> None:
    until = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {within_s:.0f} s for {what}")
        time.sleep(0.25)


def other_user() -> dict[str, int]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    found = pwd.getpwnam("postgres")
    return {"user": found.pw_uid, "group": found.pw_gid}
