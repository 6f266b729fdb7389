import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements/install.py"
CALL = "import runpy; print(runpy.run_path({script!r}, run_name='install')[{part!r}]())"
PINNED = "--requirement requirements/build.txt --requirement requirements/runtime.txt"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is of Linux alone")


class Machine:
    """A machine with a few programs of ours, and no others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        (folder / "bin").mkdir()
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / "bin/env").symlink_to("/usr/bin/env")

    def put(self, name: str, script: str, folder: str = "bin") -> None:
        path = self.folder / folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{script}\n')
        path.chmod(0o755)

    def install(self) -> str:
        """Returns what is said; it never fails."""
        code, said = self.runs("_bubblewrap")
        assert code == "None"
        return said

    def runs(self, part: str) -> tuple[str, str]:
        """Returns what a part of the script returned, and what it said."""
        done = subprocess.run(
            [sys.executable, "-c", CALL.format(script=str(SCRIPT), part=part)],
            cwd=self.folder,
            env={"PATH": str(self.folder / "bin")},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip(), done.stderr

    def pinned(self) -> None:
        """Puts down what the environment is made from, all of it empty."""
        (self.folder / "requirements").mkdir()
        for name in ("installer", "build", "runtime", "test", "lint"):
            (self.folder / f"requirements/{name}.txt").touch()
        (self.folder / "pyproject.toml").touch()

    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_there_is_not_installed(machine: Machine) -> None:
    machine.put("bwrap", "")
    machine.put("apt-get", "")
    assert (machine.install(), machine.ran()) == ("", [])


def test_without_apt_get_it_is_said_and_nothing_fails(machine: Machine) -> None:
    assert "bubblewrap is not installed (there is no apt-get)" in machine.install()


def test_it_is_installed_where_we_may(machine: Machine) -> None:
    if os.geteuid() != 0:
        machine.put("sudo", 'shift; exec "$@"')
    machine.put(
        "apt-get",
        f"printf '#!/bin/sh\\n' >{machine.folder}/bin/bwrap; /bin/chmod +x {machine.folder}/bin/bwrap",
    )
    assert machine.install() == "installing bubblewrap with apt-get (once)\n"
    assert [line for line in machine.ran() if line.startswith("apt-get install")] == [
        "apt-get install --yes --quiet --no-install-recommends bubblewrap"
    ]


def test_an_install_that_fails_is_tried_with_fresh_lists_and_then_never_again(
    machine: Machine,
) -> None:
    if os.geteuid() != 0:
        machine.put("sudo", 'shift; exec "$@"')
    machine.put("apt-get", "exit 100")
    assert "apt-get could not" in machine.install()
    tried = [line.split()[1] for line in machine.ran() if line.startswith("apt-get")]
    assert tried == ["install", "update", "install"]
    assert "apt-get could not" in machine.install()
    assert len([line for line in machine.ran() if line.startswith("apt-get")]) == 3


def test_who_may_not_install_is_told_how(machine: Machine) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may")
    machine.put("apt-get", "exit 1")
    machine.put("sudo", "exit 1")
    assert "sudo apt-get install bubblewrap" in machine.install()


def installs(machine: Machine) -> list[str]:
    """Returns the calls that install something from the pinned requirements."""
    return [line for line in machine.ran() if PINNED in line]


def test_uv_installs_from_where_pip_would(machine: Machine) -> None:
    machine.pinned()
    settings = r"""case "$*" in
*"config list"*) printf '%s\n' ":env:.index-url='http://me:secret@a/'" ":env:.quiet='1'" \
  "download.index-url='http://c/'" "global.cert='/c.pem'" "global.extra-index-url='/d\\n/e'" \
  "global.find-links='/w\\n/x'" "global.index-url='http://b/'" "global.no-index='false'" \
  "install.cert='/i.pem'" nonsense;;
*"-m uv"*) echo "$UV_DEFAULT_INDEX $UV_INDEX $UV_FIND_LINKS $SSL_CERT_FILE" >>log;;
esac"""
    machine.put("python", settings, ".venv/bin")
    assert machine.runs("_environment") == (
        "0",
        "making .venv from requirements/*.txt (once; later runs start at once)\n",
    )
    (call,) = installs(machine)
    assert call.startswith("python -m uv pip install --quiet --python .venv/bin/python ")
    assert not re.search("secret|--no-index", call)
    assert machine.ran().count("http://me:secret@a/ /d /e /w,/x /i.pem") == 2
    before = machine.ran()
    assert (machine.runs("_environment"), machine.ran()) == (("0", ""), before)


def test_uv_asks_no_index_where_pip_may_not(machine: Machine) -> None:
    machine.pinned()
    settings = """case "$*" in *"config list"*) echo ":env:.no-index='1'";; esac"""
    machine.put("python", settings, ".venv/bin")
    assert machine.runs("_environment")[0] == "0"
    assert "-m uv" in installs(machine)[0]
    assert "--no-index" in installs(machine)[0]


def test_two_do_not_install_at_once(machine: Machine) -> None:
    machine.pinned()
    other = (
        "import fcntl, os; fcntl.flock(os.open('requirements', 0), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    tries = f"""case "$*" in *--editable*) '{sys.executable}' -c "{other}" 2>>log || true;; esac"""
    machine.put("python", tries, ".venv/bin")
    assert machine.runs("_environment")[0] == "0"
    assert [line for line in machine.ran() if line.startswith("BlockingIOError")]


@pytest.mark.parametrize("cannot", ["pip install --quiet --only-binary", "uv pip install"])
def test_pip_installs_it_all_where_uv_cannot(machine: Machine, cannot: str) -> None:
    machine.pinned()
    machine.put("python", f'case "$*" in *"{cannot}"*) echo bad >&2; exit 1;; esac', ".venv/bin")
    code, said = machine.runs("_environment")
    assert (code, "bad" in said) == ("0", False)
    last = installs(machine)[-1]
    assert last.startswith(f"python -m pip install --quiet --no-input --require-hashes {PINNED}")
    assert machine.ran()[-1].endswith("--editable .")
    assert ("python -m pip uninstall --yes uv" in machine.ran()) == (cannot == "uv pip install")


def test_where_nothing_can_be_installed_it_is_said_and_tried_again(machine: Machine) -> None:
    machine.pinned()
    machine.put("python", 'case "$*" in *install*) echo bad >&2; exit 1;; esac', ".venv/bin")
    for _ in range(2):
        code, said = machine.runs("_environment")
        assert code == "1"
        assert "bad\nerror: pip could not install" in said


def test_asking_how_to_install_leaves_the_environment_as_it_is(machine: Machine) -> None:
    machine.put("python", "exit 1", ".venv/bin")
    (machine.folder / ".venv/installed").touch()
    assert machine.runs("pip_command")[0] == "None"
    assert (machine.folder / ".venv/installed").exists(), "others run from it"
