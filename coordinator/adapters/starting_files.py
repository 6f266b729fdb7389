"""What `init` commits: the few files that a coordinated repository starts with, and how it sees its own."""

from collections.abc import Mapping

from coordinator import config
from coordinator.config import doctrine
from coordinator.domain import memory_md, plan_md, rules, state_md
from coordinator.domain.names import RecordPaths

CONFIG = ".orchestrator/config.toml"
DOCTRINE = str(config.DOCTRINE_FILE)
OURS_IN_BRIEFS = frozenset(
    {
        "inbox",
        "open",
        "waiting",
        "landed",
        "done",
        "rejected",
        "README.md",
        ".gitignore",
        ".gitkeep",
    }
)

_README = """\
# Briefs

What was asked of this repository, and what became of it. The folder of a brief is its state.

| folder | what is in it |
|---|---|
| `inbox/` | dropped and not taken in yet; ignored by git; answers appear in `inbox/.replies/` |
| `open/<2 hex>/<id>/` | accepted, being worked on |
| `waiting/<id>/` | waits for a person: a question, a hold, a conflict |
| `landed/<2 hex>/<id>/` | on the branch, not yet live |
| `done/<2 hex>/<id>/` | completed |
| `rejected/<2 hex>/<id>/` | refused, failed or canceled, with the reasons |

Write one with `coordinator brief new NAME`, look at it with `coordinator brief check FILE`,
and drop it with `coordinator brief drop FILE`, or copy the file into `inbox/`.

A brief says, in Markdown:

- TASK: one sentence, active verb
- INPUTS: specific files, URLs, or data
- SCOPE: in bounds; out of bounds
- OUTPUT FORMAT: exactly what you want back, a list, a JSON object, a markdown table
- DO NOT: the one or two things most likely to go wrong
- ACCEPTANCE (optional): `check: NAME`, `schema:`, `matches: /re/`, `only: PATHS`, `exists: PATH`, or prose

Everything here but this page is written by the coordinator alone.
"""


def starting_files(
    paths: RecordPaths, *, remote: str, branch: str, refs_root: str
) -> Mapping[str, bytes]:
    """Returns path and content of every file that `init` adds where it is missing."""
    text = config.template(remote=remote, branch=branch, paths=paths)
    if refs_root != "refs/orchestrator":
        text = text.replace('# refs = "refs/orchestrator"', f'refs = "{refs_root}"', 1)
    return {
        CONFIG: text.encode(),
        ".orchestrator/constitution.md": _bytes(rules.render()),
        DOCTRINE: doctrine.TEMPLATE.encode(),
        ".orchestrator/.gitignore": b"run/\n",
        str(paths.plan_file): plan_md.PLAN_TEMPLATE.encode(),
        str(paths.state_file): state_md.STATE_TEMPLATE.encode(),
        str(paths.decisions_file): memory_md.DECISIONS_TEMPLATE.encode(),
        str(paths.lessons_file): memory_md.LESSONS_TEMPLATE.encode(),
        f"{paths.handoffs}/README.md": memory_md.HANDOFFS_TEMPLATE.encode(),
        f"{paths.briefs}/README.md": _README.encode(),
    }


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
