"""What a worker's process does with one job: finds who does it, by kind, and returns what came of it as JSON."""

import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.history import GitHistory
from coordinator.adapters.job import Job
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.rooms import WITH_A_FOLDER, WITH_A_MODEL
from coordinator.adapters.tools import GitTools
from coordinator.adapters.url_checks import Ask
from coordinator.domain.errors import WorkerError
from coordinator.domain.names import ProfileName, RecordPaths
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.worker import Connection, UngrantedTool, Worker, WorkerFailure
from workers.registry import WORKERS

Beat = Callable[[], None]


def run(
    job: bytes, beat: Beat, *, workers: Mapping[ProfileName, Worker] = WORKERS
) -> tuple[bytes, bytes]:
    """Returns the kind of frame that a job ends with, and its JSON. Raises whatever the worker raises."""
    begun = time.monotonic()
    asked = Job.model_validate_json(job)
    if asked.profile.kind in WITH_A_FOLDER:
        came = _by_program(asked, beat)
    else:
        came = _by_worker(asked, beat, _worker(asked, workers, beat))
    used = {"wall_s": round(time.monotonic() - begun, 3)}
    if asked.profile.kind not in WITH_A_MODEL and came.usage.cost_usd is None:
        used["cost_usd"] = 0.0  # it calls no model
    told = came.model_copy(update={"usage": came.usage.model_copy(update=used)})
    return b"n" if isinstance(told, NoOutput) else b"o", told.model_dump_json().encode()


def _worker(asked: Job, workers: Mapping[ProfileName, Worker], beat: Beat) -> Worker:
    profile, connection = asked.profile, asked.connection
    match profile.kind:
        case "claude":
            from workers.claude import Claude  # noqa: PLC0415 - slow to import, and seldom needed

            assert connection is not None
            return Claude(profile, connection, alive=beat)
        case "openai-compatible":
            from workers.openai_compatible import OpenAICompatible  # noqa: PLC0415

            assert connection is not None
            return OpenAICompatible(profile, connection, alive=beat)
        case _:
            worker = workers.get(profile.name)
    if worker is None:
        raise WorkerError(
            f"there is no worker '{profile.name}' here",
            hint="name one that `coordinator workers list` shows",
        )
    return worker


def _by_worker(asked: Job, beat: Beat, worker: Worker) -> Output | NoOutput:
    with GitProcess(asked.git_dir, remote_url="") as git:
        objects = GitObjects(git, paths=RecordPaths)
        tree = asked.package.start or objects.tree_of(asked.package.base)
        history = GitHistory(git, asked.package.base)
        granted = asked.package.tools_available
        ask = _ask(asked.connection) if asked.connection is not None else None
        tools = GitTools(objects, tree, granted, history=history, ask=ask, used=beat)
        try:
            output = worker.work(asked.package, tools)
        except WorkerFailure as failure:
            return NoOutput(reason=f"the worker failed: {failure}", usage=failure.usage)
        except UngrantedTool as tool:
            raise WorkerError(f"it used the tool '{tool}', which was not granted") from tool
    if not isinstance(output, Output):
        raise WorkerError(f"it returned {type(output).__name__}, not an Output")
    return output


def _ask(connection: Connection) -> Ask:
    from workers.daemon_tools import DaemonTools  # noqa: PLC0415 - slow to import, and seldom needed

    return DaemonTools(connection).call


def _by_program(asked: Job, beat: Beat) -> Output | NoOutput:
    from coordinator.adapters import agents  # noqa: PLC0415 - built-in workers need no sandbox
    from coordinator.adapters.sandbox import Sandbox  # noqa: PLC0415
    from workers import prompt  # noqa: PLC0415

    _let_memory_go()
    return agents.work(
        agents.Assignment(
            spec=asked.spec,
            package=asked.package,
            profile=asked.profile,
            tree=Path(asked.tree) if asked.tree is not None else None,
            connection=asked.connection,
            confinement=asked.confinement,
            words=prompt,
        ),
        sandbox=Sandbox(Path(asked.scratch)),
        beat=beat,
    )


def _let_memory_go() -> None:
    """Takes back this process's own limit, which what it confines would inherit: that has its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
