"""Time and randomness of the machine we run on."""

import secrets
import sys
import time


class SystemClock:
    """The clock of this machine; its monotonic time goes on while the machine sleeps.

    A lease must run out on a laptop whose lid was closed. Linux counts suspended time in
    CLOCK_BOOTTIME only; on macOS CLOCK_MONOTONIC counts it, and `time.monotonic` does not.
    """

    def monotonic_s(self) -> float:
        """Returns seconds since some fixed moment, sleep included."""
        if sys.platform == "linux":
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def timestamp(self) -> int:
        """Returns the wall clock in unix seconds."""
        return int(time.time())

    def nonce(self) -> str:
        """Returns 16 hex characters from the system's source of randomness."""
        return secrets.token_hex(8)

    def pause(self, seconds: float) -> None:
        """Blocks the calling thread."""
        time.sleep(max(0.0, seconds))
