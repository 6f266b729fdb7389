import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements/install.py"
CALL = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='install')['_bubblewrap'](); print('on')"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is of Linux alone")


class Machine:
    """A machine with a few programs of ours, and no others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        (folder / "bin").mkdir()
        (folder / ".venv").mkdir()
        (folder / "bin/env").symlink_to("/usr/bin/env")

    def put(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{script}\n')
        path.chmod(0o755)

    def install(self) -> str:
        """Returns what is said; it never fails."""
        done = subprocess.run(
            [sys.executable, "-c", CALL],
            cwd=self.folder,
            env={"PATH": str(self.folder / "bin")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "on\n"
        return done.stderr

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
