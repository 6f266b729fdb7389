"""Reading the remote: one fetch brings branch, claims, gate, deploys and inbox branches into mirror refs.

Every other adapter that must know what the remote says asks this one, so that all of them judge by the
same fetch. `refs/mirror/known` is the last tip that descended from the one before it (rule P5).
"""

import logging
import threading
from collections.abc import Callable

from coordinator.domain.errors import BriefError
from coordinator.domain.names import Oid, RecordPaths, RepoPath, digest
from coordinator.domain.proof import Rewritten, Synced, SyncOutcome, Unreachable
from coordinator.domain.request import Origin, Request
from coordinator.domain.request_text import parse_request
from coordinator.domain.tree import decode
from coordinator.ports import Clock

from .git import Git, RefUpdate

logger = logging.getLogger(__name__)

MIRROR = "refs/mirror/orchestrator"
BRANCH = "refs/mirror/branch"
KNOWN = "refs/mirror/known"
INBOX = "refs/mirror/inbox"


class GitRemote:
    """The remote as last fetched; `observed` tells since when a mirror ref has not changed."""

    def __init__(
        self,
        git: Git,
        *,
        branch: str,
        clock: Clock,
        paths: Callable[[], RecordPaths],
        root: str = "refs/orchestrator",
    ) -> None:
        self._git = git
        self._clock = clock
        self._paths = paths
        self._root = root
        self._branch = branch
        self._refspecs = (
            f"+refs/heads/{branch}:{BRANCH}",
            f"+{root}/claims*:{MIRROR}/claims*",
            f"+{root}/held/*:{MIRROR}/held/*",
            f"+{root}/gate/*:{MIRROR}/gate/*",
            f"+{root}/deploys/*:{MIRROR}/deploys/*",
            f"+refs/heads/inbox/*:{INBOX}/*",
        )
        self._lock = threading.Lock()
        self._refs: dict[str, Oid] | None = None
        self._known: Oid | None = None
        self.version = 0  # rises with every fetch, so that readers can cache by it
        self._first_seen: dict[str, tuple[Oid, float]] = {}
        self._fetched_s: float | None = None
        self._synced: Synced | None = None
        self._handled: dict[str, set[str]] = {}
        self._warned: dict[str, Oid] = {}  # inbox branches that hold something else

    def sync(self) -> SyncOutcome:
        """Fetches; the known tip advances only to a descendant of itself (rule P5)."""
        self._synced = None
        failed = self._git.fetch(self._refspecs, prune=True)
        if failed is not None:
            return failed
        outcome = self._judge(self._git.refs(BRANCH).get(BRANCH))
        self._observe()  # after the tip: no claim is ever seen with a tip older than its fetch (C4)
        if isinstance(outcome, Synced):
            self._synced = outcome
        return outcome

    def synced(self) -> Synced | None:
        """Returns what the last fetch came to; None when it failed, or found the branch rewritten."""
        return self._synced

    def _judge(self, found: Oid | None) -> SyncOutcome:
        if found is None:
            return Unreachable(
                f"the remote has no branch {self._branch}",
                hint=f"push one: git push <remote> HEAD:refs/heads/{self._branch}",
            )
        known = self.tip()
        if known == found:
            return Synced(found)
        if known is not None and not self._git.is_ancestor(known, found):
            return Rewritten(known=known, found=found)
        self._git.set_refs([RefUpdate(ref=KNOWN, expected=known, new=found)])
        self._known = found
        return Synced(found)

    def accept_rewritten(self, found: Oid) -> bool:
        """Takes `found` for the tip although the known one is no ancestor; a human says so."""
        known, self._known = self.tip(), None
        return self._git.set_refs([RefUpdate(ref=KNOWN, expected=known, new=found)])

    def tip(self) -> Oid | None:
        """Returns the last known tip."""
        if self._known is None:
            self._known = self._git.refs(KNOWN).get(KNOWN)
        return self._known

    def mirrored(self, below: str) -> dict[str, Oid]:
        """Returns the mirror refs below `below` ('held/', 'claims', ...) by their name on the remote."""
        return {
            self._root + ref.removeprefix(MIRROR): oid
            for ref, oid in self._snapshot().items()
            if ref.startswith(f"{MIRROR}/{below}")
        }

    def unchanged_s(self, ref: str, oid: Oid) -> float:
        """Returns for how long fetches have shown `ref` (remote name) at `oid`, on our own clock (C5).

        Measured between fetches: while the remote cannot be read, nothing grows stale.
        """
        with self._lock:
            seen = self._first_seen.get(ref)
            if seen is None or seen[0] != oid or self._fetched_s is None:
                return 0.0
            return self._fetched_s - seen[1]

    def fetched_s(self) -> float | None:
        """Returns when the last good fetch was, on the monotonic clock."""
        with self._lock:
            return self._fetched_s

    def pushed_requests(self) -> tuple[Request, ...]:
        """Returns the requests on inbox/* branches: files in the inbox folder of the branch's tree."""
        found: list[Request] = []
        for ref, commit in sorted(self._snapshot().items()):
            if not ref.startswith(f"{INBOX}/"):
                continue
            branch = ref.removeprefix(f"{INBOX}/")
            for name, content in self._inbox_files(commit):
                if name in self._handled.get(f"{branch}@{commit}", ()):
                    continue
                origin = Origin(
                    source="branch",
                    name=f"inbox/{branch}:{name}",
                    by=self._author(commit),
                    token=digest(content),
                )
                try:
                    found.append(parse_request(name, content, origin=origin))
                except BriefError as error:  # the branch is left for a person to look at
                    self._warn(ref, commit, f"inbox/{branch}: {error} ({error.hint})")
        return tuple(found)

    def _warn(self, ref: str, commit: Oid, why: str) -> None:
        if self._warned.get(ref) != commit:
            logger.warning("left alone: %s", why)
            self._warned[ref] = commit

    def remove_request(self, request: Request) -> None:
        """Deletes the branch once each of its files has been dealt with, leased at what was read."""
        branch, _, name = request.origin.name.removeprefix("inbox/").rpartition(":")
        ref = f"{INBOX}/{branch}"
        commit = self._snapshot().get(ref)
        if commit is None:
            return
        handled = self._handled.setdefault(f"{branch}@{commit}", set())
        handled.add(name)
        if any(n not in handled for n, _ in self._inbox_files(commit)):
            return
        update = RefUpdate(ref=f"refs/heads/inbox/{branch}", expected=commit, new=None)
        self._git.push([update], timeout_s_max=30.0)
        self.sync()

    def _snapshot(self) -> dict[str, Oid]:
        """Returns the mirror refs: they change by our own fetch only, so they are read once for each."""
        if self._refs is None:
            found = self._git.refs(f"{MIRROR}/") | self._git.refs(f"{INBOX}/")
            self._refs = found | self._git.refs(BRANCH)
        return self._refs

    def _observe(self) -> None:
        now = self._clock.monotonic_s()
        self._refs = None
        refs = self.mirrored("")
        inbox = {f"{r.removeprefix(INBOX)[1:]}@{oid}" for r, oid in self._snapshot().items()}
        for branch in [b for b in tuple(self._handled) if b not in inbox]:
            self._handled.pop(branch, None)  # it is gone, or says something else by now
        with self._lock:
            self._fetched_s = now
            for ref in [r for r in self._first_seen if r not in refs]:
                del self._first_seen[ref]
            for ref, oid in refs.items():
                seen = self._first_seen.get(ref)
                if seen is None or seen[0] != oid:
                    self._first_seen[ref] = (oid, now)
        self.version += 1  # last: what another thread read until here is not kept

    def _inbox_files(self, commit: Oid) -> list[tuple[str, bytes]]:
        tree = Oid(self._git.read(commit)[1][5:45].decode())
        for part in RepoPath(f"{self._paths().briefs}/inbox").split("/"):
            entry = decode(self._git.read(tree)[1]).get(part)
            if entry is None or not entry.is_tree:
                return []
            tree = entry.oid
        return [
            (name, self._git.read(entry.oid)[1])
            for name, entry in decode(self._git.read(tree)[1]).items()
            if entry.mode in ("100644", "100755") and not name.startswith(".")
        ]

    def _author(self, commit: Oid) -> str:
        for line in self._git.read(commit)[1].decode("utf-8", "replace").splitlines():
            if line.startswith("author "):
                return line.removeprefix("author ").rpartition(">")[0] + ">"
        return ""
