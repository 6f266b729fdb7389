"""Makes .venv from the pinned requirements, and sees to bubblewrap; run by make, with the standard library alone.

Why not a shell recipe: the stamp needs a digest, and sha256sum has another name on every system.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
PINNED = ("build", "runtime", "test", "lint")
STAMP = Path(".venv/installed")
INSIDE = Path(".venv/bin/python")
ASKED = Path(".venv/asked-for-bubblewrap")
NO_BUBBLEWRAP = """\
note: bubblewrap is not installed ({why}): nothing is confined on this machine
hint: workers, checks and gates that shall be `strict`, and the tests of that, need it: {how}
"""
NO_PIP = """\
error: this Python cannot make a virtual environment with pip in it: {python}
hint: Debian and Ubuntu keep that part in a package of its own: apt-get install python3-venv
      or name another Python: make PYTHON=/path/to/python3
"""


def main() -> int:
    """Installs what is missing; returns at once when .venv is what the requirements say."""
    if sys.version_info < OLDEST:
        found, wanted = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, OLDEST))
        _say(f"error: {sys.executable} is Python {found}; this project needs {wanted} or newer\n")
        _say("hint: name a newer one: make PYTHON=/path/to/python3\n")
        return 1
    done = _environment()
    if done == 0:
        _bubblewrap()
    return done


def _environment() -> int:
    wanted = _digest()
    if INSIDE.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return 0
    _say("making .venv from requirements/*.txt (once; later runs start at once)\n")
    installer = _installer()
    if installer is None:
        _say(NO_PIP.format(python=sys.executable))
        return 1
    STAMP.unlink(missing_ok=True)
    pins = [part for name in PINNED for part in ("--requirement", f"requirements/{name}.txt")]
    ours = ["--no-deps", "--no-build-isolation", "--editable", "."]
    for what in (["--require-hashes", *pins], ours):
        done = subprocess.run([*installer, "install", "--quiet", "--no-input", *what], check=False)
        if done.returncode:
            _say("error: pip could not install requirements/*.txt (its own words are above)\n")
            _say("hint: pip needs a package index; see: python3 -m pip config list\n")
            return 1
    STAMP.write_text(wanted, encoding="utf-8")
    return 0


def _bubblewrap() -> None:
    """Installs bubblewrap with apt-get where we may, once; else says what is missing. Never a failure."""
    if sys.platform != "linux" or shutil.which("bwrap"):
        return
    how = "apt-get install bubblewrap"
    if not shutil.which("apt-get"):
        _say(NO_BUBBLEWRAP.format(why="there is no apt-get", how="install it as this system does"))
        return
    if os.geteuid() == 0:
        leave: list[str] = []
    elif _runs(["sudo", "-n", "true"]):
        leave, how = ["sudo", "-n"], f"sudo {how}"
    else:
        why = "neither root nor sudo without a password"
        _say(NO_BUBBLEWRAP.format(why=why, how=f"sudo {how}"))
        return
    if not ASKED.exists():
        _say("installing bubblewrap with apt-get (once)\n")
        ASKED.touch()
        install = [*leave, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        install += ["install", "--yes", "--quiet", "--no-install-recommends", "bubblewrap"]
        if not _runs(install):  # a fresh container has no lists of packages
            _runs([*leave, "apt-get", "update", "--quiet"])
            _runs(install)
    if not shutil.which("bwrap"):
        _say(NO_BUBBLEWRAP.format(why="apt-get could not", how=how))


def _digest() -> str:
    """Returns what .venv depends on: this Python, where we stand (scripts say it), the pins."""
    said = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{Path.cwd()}\n".encode())
    for path in ["pyproject.toml", *(f"requirements/{name}.txt" for name in PINNED)]:
        said.update(Path(path).read_bytes())
    return said.hexdigest()


def _installer() -> list[str] | None:
    """Returns the pip command that installs into .venv, which it makes; None without pip."""
    same = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    if _runs([str(INSIDE), "-c", same]):
        return [str(INSIDE), "-m", "pip"]
    if _runs([sys.executable, "-m", "venv", "--clear", ".venv"]):
        return [str(INSIDE), "-m", "pip"]
    bare = _runs([sys.executable, "-m", "venv", "--clear", "--without-pip", ".venv"])
    if bare and _runs([sys.executable, "-m", "pip", "--python", str(INSIDE), "--version"]):
        return [sys.executable, "-m", "pip", "--python", str(INSIDE)]
    return None


def _runs(command: list[str]) -> bool:
    """Tells whether a command is there and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    os.environ.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    sys.exit(main())
