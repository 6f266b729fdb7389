"""`coordinator faults` lists every port call, and what is durable is marked: a kill point is never forgotten."""

import ast
import json
from pathlib import Path

import pytest

from coordinator import ports
from coordinator.adapters import faults
from tests.support.kill_site import KillSite, make_kill_site, plant_orphan
from tests.support.recording import Recorder, drive, recording

pytestmark = pytest.mark.xdist_group("fault list")  # one daemon is watched for all of them

# What a lane runs are calls of the others; what CoChange keeps is a copy of what git says.
NEVER_WRITE = {"Clock", "SecretScan", "Web", "Lanes", "CoChange"}
BY_HAND = {("claims", "take"), ("claims", "give_back"), ("inbox", "put")}  # commands of people
RARE = {("claims", "take_over"), ("pool", "cancel")}  # test_kill_points has a case for each


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> KillSite:
    site = make_kill_site(tmp_path_factory.mktemp("faults"), follow=True)
    (site.inbox / "folder.md").mkdir()  # what cannot be a request at all is answered too
    plant_orphan(site)
    return site


@pytest.fixture(scope="module")
def recorded(site: KillSite) -> Recorder:
    with recording(site.folder) as recorder:
        drive(site.repo, recorder.around)
    return recorder


def test_the_list_names_every_call_of_every_port_and_whether_it_writes(site: KillSite) -> None:
    answered = site.command("faults", "--json")
    assert answered.code == 0
    listed = json.loads(answered.out)["faults"]
    assert {(one["port"], one["call"]): one["writes"] for one in listed} == declared()
    assert all(one["point"] == f"{one['port']}.{one['call']}" for one in listed)
    assert len(listed) == len(declared())


def test_what_writes_during_a_run_is_marked_so(recorded: Recorder) -> None:
    marked = {call for call, writes in declared().items() if writes}
    unmarked = {call: sorted(what) for call, what in recorded.wrote.items() if call not in marked}
    assert unmarked == {}
    assert set(recorded.calls) <= set(declared())


def test_the_watch_sees_each_marked_call_write(recorded: Recorder) -> None:
    """Guards the test above against looking past what it should see."""
    wanted = {call for call, writes in declared().items() if writes} - BY_HAND - RARE
    # Starting a child is no write, and what product would make may be there already.
    assert wanted - set(recorded.wrote) <= {("pool", "submit"), ("objects", "product")}


def declared() -> dict[tuple[str, str], bool]:
    """Returns what the text of the ports says: every method of every port but those that never write."""
    folder = Path(ports.__file__ or "").parent
    names = {kind.__name__: name for name, kind in faults.PORTS.items()}
    found = {}
    nodes = [node for file in folder.glob("*.py") for node in ast.parse(file.read_text()).body]
    for node in nodes:
        if not isinstance(node, ast.ClassDef) or not _is_protocol(node):
            continue
        if node.name in NEVER_WRITE:
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef):
                marks = [ast.unparse(mark) for mark in method.decorator_list]
                found[names[node.name], method.name] = "writes" in marks
    return found


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base) == "Protocol" for base in node.bases)
