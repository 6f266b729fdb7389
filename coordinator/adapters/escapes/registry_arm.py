"""The arm of workers that have no cell, because they are calls of ours with a closed list of tools."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from coordinator.adapters.escapes.doors import package
from coordinator.adapters.escapes.planting import git, secret
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.tools import GitTools
from coordinator.domain.names import Oid, RecordPaths
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import Tools, UngrantedTool

Call = Callable[[str, Any], str]
Toolbox = Callable[[ContextPackage, Tools], Call]
"""Gives what a model's tool calls go through: a name and arguments in, text out."""

_GRANTED = ("read",)
_ASKS: dict[str, tuple[str, Any]] = {
    "registry-ungranted": ("list", {"folder": ""}),
    "registry-unknown": ("run_shell", {"command": "id"}),
    "registry-parent": ("read", {"path": "../secret"}),
    "registry-absolute": ("read", {"path": "{top}/secret"}),
    "registry-link": ("read", {"path": "link"}),
    "registry-git": ("read", {"path": ".git/config"}),
}


def seen(top: Path, toolbox: Toolbox) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Returns for each escape what came of it by a careless caller, and by the registry."""
    planted = secret()
    repository = top / "repository"
    (top / "secret").write_text(planted)
    git("init", "-q", "-b", "main", str(repository))
    (repository / "a.txt").write_text("a\n")
    (repository / "link").symlink_to(top / "secret")
    who = ("-c", "user.name=Planted", "-c", "user.email=planted@example.invalid")
    git("-C", str(repository), "add", "-A")
    git(*who, "-C", str(repository), "commit", "-qm", "planted")
    with GitProcess(repository / ".git", remote_url="") as process:
        objects = GitObjects(process, paths=RecordPaths)
        base = Oid(git("-C", str(repository), "rev-parse", "HEAD").strip())
        tools = GitTools(objects, objects.tree_of(base), _GRANTED)
        given = package(1).model_copy(update={"tools_available": _GRANTED, "base": base})
        call = toolbox(given, tools)
        if "a" not in call("read", {"path": "a.txt"}):
            raise OSError("the registry does not even read what is granted")
        found = {}
        for name, (tool, arguments) in _ASKS.items():
            asked = {key: value.format(top=top) for key, value in arguments.items()}
            found[name] = (
                _judged(name, planted, lambda t, a: _careless(repository, t, a), tool, asked),
                _judged(name, planted, call, tool, asked),
            )
        return found


def _careless(repository: Path, tool: str, arguments: dict[str, str]) -> str:
    """Does what is asked, as a registry without a lock would."""
    if tool == "read":
        return (repository / arguments["path"]).read_text()
    return f"{tool} was called"


def _judged(name: str, planted: str, call: Call, tool: str, asked: Any) -> dict[str, Any]:
    try:
        text = call(tool, asked)
    except UngrantedTool as error:
        return {"through": False, "ran": True, "told": f"not granted: {error}"}
    signs = {
        "registry-ungranted": True,
        "registry-unknown": True,
        "registry-git": "[core]" in text,
    }
    through = signs.get(name, planted in text)
    return {"through": through, "ran": True, "told": text[:120].replace(planted, "(the secret)")}
