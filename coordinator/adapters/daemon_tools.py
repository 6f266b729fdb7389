"""The tools that the daemon runs for one attempt: what its package grants, each so many times."""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from coordinator.adapters import exec_tool, web_tools
from coordinator.adapters.exec_tool import Runs, Snapshot
from coordinator.adapters.web_tools import Tool
from coordinator.domain.attempt import Spec
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.worker import UnusableArgument
from coordinator.ports import Web

CALLS_MAX = {"check_url": 10_000, "fetch_url": 200, "web_search": 100, "python_exec": 200}
"""How often one attempt may call each of them."""


def daemon_tools(
    spec: Spec,
    package: ContextPackage,
    profile: Profile,
    policy: Policy,
    *,
    web: Web,
    sandbox: Runs,
    snapshot: Snapshot,
) -> Mapping[str, Tool]:
    """Returns the tools of one attempt by name: of those that the daemon runs, what the package grants.

    Each takes the arguments of a call and returns what becomes JSON. It raises UnusableArgument for a
    call that cannot be; a URL that cannot be had is an answer.

    Args:
        spec: the attempt.
        package: what it was told; `tools_available` is what it may use.
        profile: its limits.
        policy: the allow-list and the search endpoint.
        web: what fetches.
        sandbox: what runs programs.
        snapshot: keeps a folder of the base for a program to look at.
    """
    del spec  # one attempt is one call of this function
    every: Mapping[str, Tool] = {
        "check_url": partial(web_tools.check_url, web=web, policy=policy),
        "fetch_url": partial(web_tools.fetch_url, web=web, policy=policy),
        "web_search": partial(web_tools.web_search, web=web, policy=policy),
        "python_exec": partial(
            exec_tool.python_exec,
            package=package,
            profile=profile,
            policy=policy,
            sandbox=sandbox,
            snapshot=snapshot,
        ),
    }
    granted = set(package.tools_available)
    return {name: _Counted(tool, name) for name, tool in every.items() if name in granted}


class _Counted:
    """A tool that stops at a number of calls; calls may come at the same time."""

    def __init__(self, tool: Tool, name: str) -> None:
        self._tool = tool
        self._name = name
        self._left = CALLS_MAX[name]
        self._lock = threading.Lock()

    def __call__(self, arguments: Mapping[str, Any]) -> Any:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                most = CALLS_MAX[self._name]
                raise UnusableArgument(f"{self._name} has been called {most} times: no more of it")
        return self._tool(arguments)
