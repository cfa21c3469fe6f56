from __future__ import annotations

import os
import signal

import pytest

from phyassist.cli.stopping import stop_on_interrupt


def test_the_first_ctrl_c_asks_to_stop_and_the_second_ends_the_command(capfd):
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), stop_on_interrupt() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        was_asked = stop.is_set()
        os.kill(os.getpid(), signal.SIGINT)

    assert was_asked
    assert "what was written is kept" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
