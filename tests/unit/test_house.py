"""The rules of the house that no linter knows: sizes, who may make which proof, what loads when."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("house")  # each file is read once for all rules

ROOT = Path(__file__).resolve().parents[2]

LINES_MAX = 300
FUNCTION_LINES_MAX = 70

# Proof type -> the modules that may construct it. Elsewhere it can only be received.
MAKERS = {
    "Claim": {"coordinator/adapters/claims.py"},
    "Synced": {"coordinator/adapters/remote.py"},
    "Rewritten": {"coordinator/adapters/remote.py", "coordinator/front_desk.py"},
    "Unreachable": {
        "coordinator/adapters/remote.py",
        "coordinator/adapters/git_reasons.py",
        "coordinator/adapters/git_remote.py",
        "coordinator/adapters/claims.py",
    },
    "Merged": {"coordinator/adapters/objects.py"},
    "Clash": {"coordinator/adapters/objects.py"},
    "Gated": {"coordinator/domain/batch.py"},
    "Planned": {"coordinator/adapters/committer.py", "coordinator/adapters/journal.py"},
    "Landed": {"coordinator/adapters/committer.py"},
}

# Nothing of this loads until it is used: `coordinator status` has 300 ms.
LAZY = ("anthropic", "httpx2", "genai_prices", "git", "watchdog", "detect_secrets")

# Split, so that this file does not hold what it looks for.
FOREIGN = re.compile(
    "|".join(
        (
            r"(?<!\w)/wor" + "k/",  # of a cell, say coordinator.adapters.sandbox.WORK
            "/far" + "m/",
            "/opt/" + "pypi",
            "pypi" + r"\.org",
            "python" + r"hosted\.",
            "npm" + r"js\.",
            "deb" + r"\.debian\.",
        )
    )
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def tracked() -> list[Path]:
    """Returns the files that git tracks; outside a checkout (an unpacked release), none."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False
    )
    names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
    return [ROOT / path for path in names if path and (ROOT / path).is_file()]


def imports(path: Path) -> Iterator[str]:
    """Yields the full name of every module that a file may import, at the top or inside a function."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def constructed(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yields (name of a proof type, line) for every call that makes one, under whatever name."""
    renamed = {
        alias.asname: alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        word = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        word = renamed.get(word, word)
        if word in MAKERS:
            yield word, node.lineno


def test_no_module_is_longer_than_one_can_hold_in_mind() -> None:
    long = {
        name(path): lines
        for path in sources("coordinator", "workers")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in sources("coordinator", "workers", "tests", "demo", "requirements", "benchmarks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    named = [
        f"{name(path)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert named == []


def test_requirements_are_pinned_by_hash_and_name_no_index() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9][^ ]*==[^ ]+.*(?:\\\n.*)+", text, re.MULTILINE)
        assert pins, f"{name(path)} pins something"
        assert all("--hash=sha256:" in pin for pin in pins), f"every pin of {name(path)} has a hash"
        assert "://" not in text, f"{name(path)} names no index"


def test_proofs_are_made_only_where_they_are_earned() -> None:
    stray = [
        f"{name(path)}:{line} makes a {word}"
        for path in sources("coordinator", "workers")
        for word, line in constructed(tree(path))
        if name(path) not in MAKERS[word]
    ]
    assert stray == []


@pytest.mark.parametrize(
    "text",
    [
        "Landed(oid)",
        "proof.Landed(oid)",
        "from coordinator.domain.proof import Landed as Done\nDone(oid)",
    ],
)
def test_a_forged_proof_is_seen_under_any_name(text: str) -> None:
    assert [word for word, _ in constructed(ast.parse(text))] == ["Landed"]


def test_only_bootstrap_names_the_committer() -> None:
    named = {
        name(path)
        for path in sources("coordinator", "workers")
        if "coordinator.adapters.committer" in imports(path)
    }
    assert named <= {"coordinator/bootstrap.py"}


def test_anthropic_is_behind_one_door() -> None:
    named = {
        name(path)
        for path in sources("coordinator", "workers", "demo")
        if any(module.split(".")[0] == "anthropic" for module in imports(path))
    }
    assert named == {"workers/claude.py"}


def test_gitpython_is_behind_one_door() -> None:
    named = {
        name(path)
        for path in sources("coordinator", "workers")
        if any(module.split(".")[0] in ("git", "gitdb") for module in imports(path))
    }
    assert named == {"coordinator/adapters/repository.py"}


def test_the_command_line_starts_without_what_it_may_not_need() -> None:
    look = f"import sys, coordinator.cli; print([m for m in {LAZY!r} if m in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stdout.strip() == "[]"


def test_workers_import_nothing_of_ours_but_the_domain() -> None:
    stray = [
        f"{name(path)} imports {module}"
        for path in sources("workers")
        for module in imports(path)
        if module.startswith("coordinator") and not module.startswith("coordinator.domain")
        if module != "coordinator"
    ]
    assert stray == []


def test_every_package_folder_is_shipped_with_its_marker() -> None:
    bare = [
        name(path.parent)
        for path in sources("coordinator", "workers")
        if not (path.parent / "__init__.py").exists()
    ]
    assert bare == []
