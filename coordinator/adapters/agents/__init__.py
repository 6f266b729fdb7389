"""Workers that are programs: commands and agents, each run once in a cell of its own."""

from collections.abc import Callable
from functools import partial

from coordinator.adapters.sandbox import Sandbox, Unavailable
from coordinator.domain.errors import CoordinatorError, WorkerError
from coordinator.domain.output import CouldNot, NoOutput, Output, Usage
from coordinator.domain.policy import Profile

from . import claude_code, codex, command, programs
from .assignment import Assignment, Words

__all__ = ["Assignment", "Words", "work"]


def work(
    assignment: Assignment, *, sandbox: Sandbox, beat: Callable[[], None]
) -> Output | NoOutput:
    """Runs the program of one attempt, and returns what it came to.

    Where confinement is asked for and cannot be had, nothing runs, and the reason says what to do.
    Where its program is not on this machine, it says so at once: trying again would not help.
    """
    missing = programs.lacking(assignment.profile, assignment.confinement)
    if missing:
        return _missing(assignment.profile, missing)
    try:
        match assignment.profile.kind:
            case "command":
                heard = partial(_alive, beat)
                return command.work(assignment, partial(sandbox.run, heard=heard))
            case "claude-code":
                return claude_code.work(assignment, sandbox.run, beat)
            case "codex":
                return codex.work(assignment, sandbox.run, beat)
            case kind:
                return NoOutput(reason=f"{assignment.profile.name}: kind {kind} is no program")
    except Unavailable as error:
        return _nothing(f"it could not be confined: {error}", error)
    except WorkerError as error:
        return _nothing(f"the worker failed: {error}", error)


def _missing(profile: Profile, missing: tuple[str, ...]) -> Output:
    told = f"{profile.name} cannot run on this machine: {'; '.join(missing)}"
    hint = f"`coordinator workers test {profile.name}` tries it again"
    return Output(
        body=CouldNot(why="missing_tool", text=f"{told} ({hint})"),
        usage=Usage(cost_usd=0.0),
        confinement=profile.confinement,  # nothing ran outside of what it asks for
    )


def _nothing(told: str, error: CoordinatorError) -> NoOutput:
    hint = f" ({error.hint})" if error.hint else ""
    return NoOutput(reason=f"{told}{hint}", usage=Usage(cost_usd=0.0))


def _alive(beat: Callable[[], None], chunk: bytes) -> None:
    del chunk
    beat()
