"""One run of the command line: its home folder, its settings, its log."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from phyassist.errors import PhyAssistError, describe_frames

if TYPE_CHECKING:
    from phyassist.settings import Settings

LOG_NAME = "phyassist.log"
LOG_BYTES_MAX = 2_000_000

log = logging.getLogger("phyassist.cli")


@dataclass
class Run:
    """What the commands of one process share; `home` is the flag, None where it was not given."""

    home: Path | None = None
    _handler: logging.Handler | None = field(default=None, repr=False)
    _logs_dir: Path | None = None

    def load_settings(self, **flags: object) -> Settings:
        """The settings of this run, flags included, with the log opened in the home folder."""
        from phyassist.settings import load_settings

        settings = load_settings(home=self.home, **flags)
        self._open_log(settings.logs_dir, settings.log_level)
        return settings

    def log_expected(self, error: PhyAssistError) -> None:
        """The code alone: the sentence may name a person's file."""
        log.info("expected failure %s", error.code)

    def log_unexpected(self, error: Exception) -> str:
        """Write the frames to the log; the sentence to show, with the number to quote."""
        number = uuid.uuid4().hex[:8]
        path = self._fallback_log()
        log.error("unexpected failure %s\n%s", number, describe_frames(error))
        where = f"the log is {path}" if path else "there was no folder to write a log in"
        return f"something unexpected happened (number {number}); what was saved is safe, {where}"

    def close(self) -> None:
        if self._handler is not None:
            logging.getLogger("phyassist").removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    def _open_log(self, folder: Path, level: str) -> None:
        from logging.handlers import RotatingFileHandler

        if self._handler is not None:
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = RotatingFileHandler(
            folder / LOG_NAME, maxBytes=LOG_BYTES_MAX, backupCount=3, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger = logging.getLogger("phyassist")
        logger.addHandler(handler)
        logger.setLevel(level)
        # Other libraries' loggers reach the terminal or nothing: what they log is not ours to vouch for.
        logger.propagate = False
        self._handler, self._logs_dir = handler, folder

    def _fallback_log(self) -> Path | None:
        """The log's path; opened now, in the home folder as far as it is known, where no command did."""
        if self._handler is None:
            try:
                self._open_log(self._find_home() / "logs", "INFO")
            except OSError:
                return None
        return (self._logs_dir / LOG_NAME) if self._logs_dir else None

    def _find_home(self) -> Path:
        from phyassist.settings import default_home, load_settings

        try:
            return load_settings(home=self.home).home
        except PhyAssistError:
            return self.home or default_home()


def get_run(context: typer.Context) -> Run:
    """The run that `main` handed to this command."""
    run = context.find_object(Run)
    if run is None:
        raise TypeError("a command was called without a Run")
    return run
