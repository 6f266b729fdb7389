"""Serves a model file on a loopback port until stdin ends: WEIGHTS. Run by the Python of .real/venv."""

import importlib
import sys


def main() -> None:
    """Serves until nobody holds our stdin any more."""
    llama = importlib.import_module("xllamacpp")  # only that Python has it
    wanted = llama.CommonParams()
    wanted.model.path, wanted.port = sys.argv[1], 0
    wanted.n_ctx = 8192
    wanted.cpuparams.n_threads = 1  # two wait for each other all the time where others work too
    wanted.n_parallel = 1
    server = llama.Server(wanted)
    sys.stdout.write(
        f"ready on {server.listening_address}\n"
    )  # its own words come before it has the model
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
