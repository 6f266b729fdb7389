"""Whose signal it was: other examinations on the machine send the same one."""

import os
import subprocess

from coordinator.adapters.escapes import bystander


def test_a_signal_counts_when_its_sender_stands_below_the_one_who_examines() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        try:
            assert bystander._is_below(child.pid, os.getpid())
            assert not bystander._is_below(os.getpid(), child.pid)
        finally:
            child.kill()
    assert not bystander._is_below(0, os.getpid())
