"""Whether paths can be claimed beside what is claimed (rule C8)."""

from collections.abc import Iterable, Sequence

from .claim_name import claim_ref, overlap
from .names import RepoPath
from .proof import ClaimedPath
from .world import SeenClaim


def in_the_way(paths: Sequence[RepoPath], claims: Iterable[SeenClaim]) -> ClaimedPath | None:
    """Returns a claim that excludes one of `paths`, the first of them; None when there is none."""
    refs = [claim_ref("", path) for path in paths]
    for seen in claims:
        if any(overlap(ref, claim_ref("", seen.claim.path)) for ref in refs):
            return seen.claim
    return None
