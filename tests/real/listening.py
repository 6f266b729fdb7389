"""Where a server of others listens, as it says itself: a port picked for it could be taken before it begins."""

import re
import subprocess
import time
from pathlib import Path

from tests.support.patience import PATIENCE_S

_ADDRESS = re.compile(rb"(?:ready|server listening) on http://127\.0\.0\.1:(\d+)\s")
_LOOK_S = 0.05


def port_of(process: "subprocess.Popen[bytes]", said: Path) -> int:
    """Returns the port of a server that writes its address into the file `said` once it listens."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := _ADDRESS.search(said.read_bytes())) is None:
        assert process.poll() is None, f"it does not start: {said.read_text(errors='replace')}"
        assert time.monotonic() < deadline, (
            f"it does not listen: {said.read_text(errors='replace')}"
        )
        time.sleep(_LOOK_S)
    return int(found[1])
