"""What a worker's process does with one job: builds the tools, finds the worker, returns its output as JSON."""

import time
from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict

from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.tools import GitTools
from coordinator.domain.attempt import Spec
from coordinator.domain.errors import WorkerError
from coordinator.domain.names import ProfileName, RecordPaths
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import UngrantedTool, Worker
from workers.registry import WORKERS


class Job(BaseModel):
    """What the pool writes to a child."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    git_dir: str
    spec: Spec
    package: ContextPackage


def run(
    job: bytes, beat: Callable[[], None], *, workers: Mapping[ProfileName, Worker] = WORKERS
) -> bytes:
    """Returns the output of a job, as JSON. Raises whatever the worker raises."""
    begun = time.monotonic()
    asked = Job.model_validate_json(job)
    worker = workers.get(asked.spec.profile)
    if worker is None:
        raise WorkerError(
            f"there is no worker '{asked.spec.profile}' here",
            hint="name one that `coordinator workers list` shows",
        )
    with GitProcess(asked.git_dir, remote_url="") as git:
        objects = GitObjects(git, paths=RecordPaths)
        tree = objects.tree_of(asked.package.base)
        tools = GitTools(objects, tree, asked.package.tools_available, used=beat)
        try:
            output = worker.work(asked.package, tools)
        except UngrantedTool as tool:
            raise WorkerError(f"it used the tool '{tool}', which was not granted") from tool
    if not isinstance(output, Output):
        raise WorkerError(f"it returned {type(output).__name__}, not an Output")
    used = {"wall_s": round(time.monotonic() - begun, 3), "cost_usd": 0.0}  # it calls no model
    usage = output.usage.model_copy(update=used)
    return output.model_copy(update={"usage": usage}).model_dump_json().encode()
