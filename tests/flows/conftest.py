"""The flows are driven through the command line, with its fixtures."""

from tests.cli.conftest import cli, invented

__all__ = ["cli", "invented"]
