"""Makes .venv from the pinned requirements, and sees to bubblewrap; run by make, with the standard library alone.

Why not a shell recipe: the stamp needs a digest, and sha256sum has another name on every system.
Why uv: it installs in two seconds what takes pip thirty; where it cannot be had, pip does it all.
"""

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OLDEST = (3, 11)
INSTALLER = "installer"
PINNED = ("build", "runtime", "test", "lint")
STAMP = Path(".venv/installed")
INSIDE = Path(".venv/bin/python")
ASKED = Path(".venv/asked-for-bubblewrap")
# What pip is set to, as uv takes it: not in the arguments, where `ps` would show a password.
VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
BETWEEN = {
    "extra-index-url": " ",
    "find-links": ",",
    "trusted-host": " ",
}  # where there may be several
YES = ("y", "yes", "t", "true", "on", "1")
# As pip chooses: from all indexes; the hashes say which file it must be.
AS_PIP = ("--link-mode", "copy", "--compile-bytecode", "--index-strategy", "unsafe-best-match")
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
    with _alone():
        return _installed()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Has a second one wait for the first: `make check` and `make test` may begin at once."""
    folder = os.open("requirements", os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _installed() -> int:
    wanted = _digest()
    if INSIDE.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return 0
    _say("making .venv from requirements/*.txt (once; later runs start at once)\n")
    pip = _made()
    if pip is None:
        _say(NO_PIP.format(python=sys.executable))
        return 1
    STAMP.unlink(missing_ok=True)
    if not (_by_uv(pip) or _by([*pip, "install", "--quiet", "--no-input"])):
        _say("error: pip could not install requirements/*.txt (its own words are above)\n")
        _say("hint: pip needs a package index; see: python3 -m pip config list\n")
        return 1
    STAMP.write_text(wanted, encoding="utf-8")
    return 0


def uv_command(pip: list[str], python: Path) -> tuple[list[str], dict[str, str]]:
    """Returns a call of the uv in .venv that installs for `python` from where pip would, and its environment."""
    call, variables = [str(INSIDE), "-m", "uv", "pip", "install", "--quiet"], dict(os.environ)
    call += ["--python", str(python), *AS_PIP]
    settings = _settings(pip)
    for name, variable in VARIABLES.items():
        if name in settings:
            value = settings[name]
            variables[variable] = BETWEEN[name].join(value.split()) if name in BETWEEN else value
    if settings.get("no-index", "").lower() in YES:
        call.append("--no-index")
    return call, variables


def _by_uv(pip: list[str]) -> bool:
    """Tells whether uv could be had and has installed all; its own words are kept back, for pip is tried then."""
    wanted = ["--quiet", "--only-binary", ":all:", "--require-hashes", *_pins(INSTALLER)]
    if not _runs([*pip, "install", *wanted]):
        return False
    call, variables = uv_command(pip, INSIDE)
    done = _by(call, env=variables, capture_output=True)
    if not done:
        _runs([*pip, "uninstall", "--yes", "uv"])  # where it is, it works: others rely on that
    return done


def _by(call: list[str], **run: Any) -> bool:
    """Tells whether an installer could install all that is pinned, and then us."""
    ours = ["--no-deps", "--no-build-isolation", "--editable", "."]
    steps = (["--require-hashes", *_pins(*PINNED)], ours)
    return all(subprocess.run([*call, *what], check=False, **run).returncode == 0 for what in steps)


def _settings(pip: list[str]) -> dict[str, str]:
    """Returns what `pip install` is set to, as its options are called: {"index-url": "..."}."""
    said = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False)
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in said.stdout.splitlines():
        name, equals, value = line.partition("=")
        where, _, option = name.partition(".")
        if equals and where in found:
            found[where][option] = str(ast.literal_eval(value))
    return {
        name: value for where in found.values() for name, value in where.items()
    }  # the last one counts


def _pins(*names: str) -> list[str]:
    return [part for name in names for part in ("--requirement", f"requirements/{name}.txt")]


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
    for path in ["pyproject.toml", *(f"requirements/{name}.txt" for name in (INSTALLER, *PINNED))]:
        said.update(Path(path).read_bytes())
    return said.hexdigest()


def pip_command() -> list[str] | None:
    """Returns the pip command that installs into .venv; None without pip."""
    outer = [sys.executable, "-m", "pip", "--python", str(INSIDE)]  # from pip 22.3 on
    inner = [str(INSIDE), "-m", "pip"]
    return next((pip for pip in (inner, outer) if _runs([*pip, "--version"])), None)


def _made() -> list[str] | None:
    """Makes .venv if need be, and returns the pip command that installs into it; None without pip."""
    same = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    make = [sys.executable, "-m", "venv", "--clear", ".venv"]
    if _runs([str(INSIDE), "-c", same]) or _runs([*make, "--without-pip"]):
        found = pip_command()
        if found is not None:
            return found
    return pip_command() if _runs(make) else None


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
