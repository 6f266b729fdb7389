"""Where a host takes only refs/heads/, what our refs say stands in commits (rule C1)."""

from pathlib import Path

import pytest

from coordinator.adapters import ref_values
from coordinator.adapters.git import RefUpdate
from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.domain.errors import MissingObject
from tests.support.patience import PATIENCE_S
from tests.support.repos import make_site


@pytest.mark.parametrize("root", ["refs/orchestrator", "refs/heads/orchestrator"])
def test_c1_what_a_ref_says_is_read_back_from_either_root(tmp_path: Path, root: str) -> None:
    hub = make_site(tmp_path / "site").hub
    private = create_private_clone(tmp_path / "private.git", remote_url=str(hub))
    with GitProcess(private, remote_url=str(hub)) as git:
        oid = ref_values.store(git, b'{"brief": "a"}\n', root=root)
        update = RefUpdate(ref=f"{root}/held/a", expected=None, new=oid)

        assert git.push([update], timeout_s_max=PATIENCE_S).kind == "ok"
        assert git.fetch([f"+{root}/held/*:refs/mirror/held/*"], prune=True) is None

        there = git.refs("refs/mirror/held/")["refs/mirror/held/a"]
        assert ref_values.load(git, there) == b'{"brief": "a"}\n'


def test_a_blob_below_refs_heads_is_refused_by_git_itself(tmp_path: Path) -> None:
    hub = make_site(tmp_path / "site").hub
    private = create_private_clone(tmp_path / "private.git", remote_url=str(hub))
    with GitProcess(private, remote_url=str(hub)) as git:
        blob = ref_values.store(git, b"{}", root="refs/orchestrator")
        update = RefUpdate(ref="refs/heads/orchestrator/held/a", expected=None, new=blob)

        assert git.push([update], timeout_s_max=PATIENCE_S).kind == "rejected"


def test_a_tree_is_nothing_that_a_ref_says(tmp_path: Path) -> None:
    private = create_private_clone(tmp_path / "private.git", remote_url="")
    with GitProcess(private, remote_url="") as git:
        tree = git.write("tree", b"")

        with pytest.raises(MissingObject):
            ref_values.load(git, tree)
