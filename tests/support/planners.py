"""A worker that plays the planner: a command that prints an answer by what it is told, such as its number."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

BRAIN = '[brain]\nplanner = "mind"\n'
BRIEF = """\
---
plan: model
retries: 0
---
TASK: Write the two pages of names, the second one after the first.
INPUTS: docs/guide.md
SCOPE: docs/a.md, docs/b.md; everything else is out of bounds
OUTPUT FORMAT: changes
DO NOT: change the guide
ACCEPTANCE: exists: docs/a.md
"""
LISTS = """\
---
kind: command
description: writes into the files in its scope which files there are
capabilities: [listing]
command: ["sh", "-c", "ls docs > {path}"]
returns: [changes]
---
"""
FAILS = """\
---
kind: command
description: never can
capabilities: [fails]
command: "exit 7"
returns: [changes]
---
"""
WORKERS = {name: LISTS.format(path=f"docs/{name}.md") for name in ("a", "b")}


def mind(answers: Mapping[int, Any], *, last: Any = None) -> str:
    """Returns the file of a planner that answers attempt n with `answers[n]`, and any other with `last`."""
    return minded(
        {f'"attempt": {number},': answer for number, answer in answers.items()}, last=last
    )


def minded(answers: Mapping[str, Any], *, last: Any) -> str:
    """Returns the file of a planner that answers by what it is told: the first of `answers` whose words it finds."""
    cases = "".join(
        f"  *{json.dumps(words)}*) cat <<'END'\n  {json.dumps(answer)}\n  END\n  ;;\n"
        for words, answer in answers.items()
    )
    rest = f"  *) cat <<'END'\n  {json.dumps(last)}\n  END\n  ;;\n"
    return (
        "---\nkind: command\ncapabilities: [plans]\ncommand: |\n"
        f'  told=$(cat)\n  case "$told" in\n{cases}{rest}  esac\nreturns: [json]\n---\n'
    )


def said(name: str, *after: str, worker: str = "", scope: Sequence[str] = (), **more: Any) -> Any:
    """Returns one task as a planner says it: a page that is changed."""
    return {
        "id": name,
        "objective": f"Write which files there are into docs/{name}.md.",
        "inputs": ["docs/guide.md"],
        "scope": list(scope) or [f"docs/{name}.md"],
        "output": "changes",
        "guidance": "list the folder",
        "after": list(after),
        "worker": worker or name,
        **more,
    }


def plan(*tasks: Any, why: str = "the second page names the first") -> Any:
    """Returns a whole answer."""
    return {"why": why, "tasks": list(tasks)}
