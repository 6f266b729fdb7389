"""A process that stands for the daemon: it holds secrets and notes who sends it signals.

Run as `python -I -S bystander.py MARKER PASSWORD`, with a secret for its memory and one for a deleted file
on stdin. Standard library only, and of that little. It looks at a sender itself, at once: those who start
it are busier, and the sender may be gone by then.
"""

import ctypes
import os
import select
import signal
import sys

_DIE_WITH_PARENT, _NAME, _MAY_TRACE = 1, 15, 0x5961_6D61


def main() -> None:
    """Says on stdout where its secrets are, then each signal and whose it was; ends with its parent, or when told.

    Its name says that it has seen a signal of those who are examined: whoever sent it may go then.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    # Some systems let nobody trace but a parent; here the question is what a cell allows.
    libc.prctl(_MAY_TRACE, ctypes.c_ulong(-1), 0, 0, 0)
    wanted = {signal.SIGUSR1, signal.SIGURG}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    memory = ctypes.create_string_buffer(sys.stdin.readline().strip().encode(), 64)
    deleted = os.memfd_create("deleted")
    os.write(deleted, sys.stdin.readline().strip().encode())
    print(ctypes.addressof(memory), deleted, flush=True)  # noqa: T201 - its parent reads it
    over = False
    while not over:
        over = bool(select.select([sys.stdin], [], [], 0)[0])
        while (info := signal.sigtimedwait(wanted, 0 if over else 0.05)) is not None:
            whose = "ours" if _is_below(info.si_pid, os.getppid()) else "another"
            print(info.si_signo, whose, flush=True)  # noqa: T201 - as above
            if whose == "ours" and info.si_signo == signal.SIGURG:
                libc.prctl(_NAME, b"noticed", 0, 0, 0)


def _is_below(pid: int, ancestor: int) -> bool:
    """Tells whether a process was started below another; others who examine may be sending signals too."""
    while pid > 1 and pid != ancestor:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - starts fast
                pid = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return pid == ancestor


if __name__ == "__main__":
    main()
