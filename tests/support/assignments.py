"""Attempts for programs: what a command worker or an agent gets, over files in a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coordinator.adapters.agents import Assignment
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.names import BriefId, Epoch, Oid, ProfileName, TaskId
from coordinator.domain.package import PackageInput, Scope
from coordinator.domain.policy import CommandLine, Confinement, Limits, Profile, ProfileKind
from coordinator.domain.worker import Connection
from tests.support.memory_tools import OutputKind, package
from tests.support.patience import PATIENCE_S
from workers import prompt

ALL_TOOLS = frozenset(("list", "glob", "read", "grep", "file_write"))


def folder(place: Path, files: Mapping[str, str]) -> Path:
    """Writes files below `place`, which is then the tree of an attempt."""
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    place.mkdir(exist_ok=True)
    return place


def assignment(
    tree: Path | None,
    *argv: str,
    kind: OutputKind = "report",
    inputs: tuple[str, ...] = (),
    scope: Scope | None = None,
    by: ProfileKind = "command",
    wall_s: float = PATIENCE_S,
    connection: Connection | None = None,
    confinement: Confinement | None = None,
    limits: Mapping[str, Any] | None = None,
    schema: dict[str, Any] | None = None,
    profile: Mapping[str, Any] | None = None,
    **command: Any,
) -> Assignment:
    """Returns an attempt; `command` are fields of CommandLine, `profile` fields of Profile."""
    asked = package("Tidy the pages.", kind=kind, tools=ALL_TOOLS, schema=schema)
    given = tuple(PackageInput(kind="path", value=value) for value in inputs)
    spec = Spec(
        id=AttemptId(brief=BriefId("tidy-3fa29c01"), epoch=Epoch("e1"), number=1),
        round=1,
        task=TaskId("only"),
        profile=ProfileName("tool"),
        base=Oid("0" * 40),
        package=Oid("0" * 40),
        wall_clock_s_max=wall_s,
        cost_usd_max=0.5,
    )
    return Assignment(
        spec=spec,
        package=asked.model_copy(
            update={
                "input_data": given,
                "scope": scope or Scope(inside=("**",), outside=()),
            }
        ),
        profile=Profile(
            **{
                "name": ProfileName("tool"),
                "kind": by,
                "command": CommandLine(argv=argv, **command),
                "limits": Limits(**(limits or {})),
                **(profile or {}),
            }
        ),
        tree=tree,
        connection=connection,
        confinement=confinement or Confinement(),
        words=prompt,
    )
