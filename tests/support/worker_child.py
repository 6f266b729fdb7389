"""The child of the pool with the built-in and the bad workers: `python -m tests.support.worker_child`."""

import functools
import sys

from coordinator.cli import worker_child


def load() -> worker_child.Run:
    from coordinator.cli import worker_job  # noqa: PLC0415
    from tests.support.bad_workers import BAD_WORKERS  # noqa: PLC0415
    from workers.registry import WORKERS  # noqa: PLC0415

    return functools.partial(worker_job.run, workers={**WORKERS, **BAD_WORKERS})


if __name__ == "__main__":
    worker_child.main(sys.argv[1:], load=load)
