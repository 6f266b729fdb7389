"""What the deciding code asks of the world. All synchronous; nothing here names git, sqlite, asyncio or a tool.

A call marked @writes leaves a durable fact behind: it is a fault point, listed by `coordinator faults`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from .domain.attempt import AttemptId, Returned, Spec
from .domain.changeset import Changeset
from .domain.check import Check, CheckResult
from .domain.names import BriefId, Digest, Environment, Oid, RepoPath
from .domain.note import Note
from .domain.output import NoOutput, Output, Usage
from .domain.package import ContextPackage
from .domain.policy import Policy, Profile, Target
from .domain.proof import (
    Busy,
    Claim,
    ClaimedPath,
    ClaimOutcome,
    Clash,
    Deletion,
    Gated,
    Ineligible,
    Merged,
    Planned,
    PushOutcome,
    StillOpen,
    Synced,
    SyncOutcome,
    Unreachable,
)
from .domain.request import Request
from .domain.tree import Change, Entry
from .domain.verdict import Verdict
from .domain.web import FetchOutcome, Reach
from .domain.world import HeldRef, LiveState, SeenClaim

F = TypeVar("F", bound=Callable[..., Any])


def writes(call: F) -> F:
    """Marks a port call that leaves a durable fact behind."""
    call.__dict__["writes"] = True
    return call


class Clock(Protocol):
    """Time and randomness."""

    def monotonic_s(self) -> float:
        """Returns seconds that never go back; they go on while the machine sleeps, where it can tell."""
        ...

    def timestamp(self) -> int:
        """Returns the wall clock in unix seconds, for commit dates, display and which day's money it is."""
        ...

    def nonce(self) -> str:
        """Returns 16 random hex characters."""
        ...

    def pause(self, seconds: float) -> None:
        """Blocks the calling lane for `seconds`."""
        ...


class Inbox(Protocol):
    """The one way in for people and programs: files that have stopped growing."""

    @writes
    def waiting(self) -> tuple[Request, ...]:
        """Returns what can be read now; what cannot be a request at all is answered and set aside."""
        ...

    def growing(self) -> tuple[str, ...]:
        """Returns names that the last look left alone because they may be written still."""
        ...

    @writes
    def put(self, name: str, content: bytes) -> str:
        """Writes a file of its own into the folder, whole or not at all; returns the name it got."""
        ...

    @writes
    def remove(self, request: Request, *, keep: bool) -> None:
        """Removes it if it still is what was read; `keep` sets the text aside in .rejected/ first."""
        ...

    @writes
    def reply(self, name: str, *, fields: Mapping[str, Any], text: str) -> None:
        """Writes .replies/<name>.json and .md; nothing when they already say that."""
        ...

    def replies(self) -> Mapping[str, Mapping[str, Any]]:
        """Returns the JSON of every reply so far, by name."""
        ...


@dataclass(frozen=True, slots=True)
class SecretHit:
    """Where a text looks like it holds a secret, and of which kind; never the secret itself."""

    line: int
    kind: str


class SecretScan(Protocol):
    """Looks for secrets in texts that would become public with a commit. Asks no network."""

    def scan(self, text: str) -> tuple[SecretHit, ...]:
        """Returns every hit, by line."""
        ...


class Objects(Protocol):
    """The private clone without the power to move a ref that anyone else sees. Content-addressed, so safe to repeat."""

    def entry(self, tree: Oid, path: RepoPath) -> Entry | None:
        """Returns what `path` is in `tree` ('' is the tree itself)."""
        ...

    def listing(self, tree: Oid) -> Mapping[str, Entry]:
        """Returns the entries of one tree object."""
        ...

    def walk(self, tree: Oid, under: RepoPath = RepoPath("")) -> Iterable[tuple[RepoPath, Entry]]:
        """Yields every non-folder below `under`, sorted by path."""
        ...

    def content(self, oid: Oid) -> bytes:
        """Returns a blob. Raises MissingObject."""
        ...

    def read(self, tree: Oid, path: RepoPath) -> bytes | None:
        """Returns the content of the file at `path`; None when there is no file (a folder, a submodule)."""
        ...

    def tree_of(self, commit: Oid) -> Oid:
        """Returns the tree of a commit. Raises MissingObject."""
        ...

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        """Returns what differs between two trees, without renames; the cost follows the change."""
        ...

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        """Tells whether commit `old` is `new` or in its history."""
        ...

    @writes
    def product(self, tree: Oid) -> Oid:
        """Returns the tree without record paths: what the gate sees and what its result is keyed by."""
        ...

    @writes
    def merge(self, changeset: Changeset, *, claim: Claim | None, synced: Synced) -> Merged | Clash:
        """Puts a claimed changeset on the synced tip: product paths only (rule L3).

        `claim` is None for a revert alone (rule D3).
        """
        ...

    @writes
    def unite(self, base: Oid, trees: Sequence[Oid]) -> Oid | tuple[RepoPath, ...]:
        """Returns the union of several results on one base tree, or the paths on which they differ."""
        ...

    def log(
        self, since: Oid | None, tip: Oid, *, count_max: int | None = None
    ) -> Sequence[tuple[Oid, str]]:
        """Returns (commit, message) along the first parents, `since` exclusive, oldest first.

        With `count_max` only the newest that many.
        """
        ...

    @writes
    def blob(self, content: bytes) -> Oid:
        """Stores content."""
        ...

    @writes
    def edit(self, tree: Oid, edits: Mapping[RepoPath, Entry | None]) -> Oid:
        """Returns `tree` with the paths set (files or whole folders) or removed; the cost follows the change."""
        ...


class Attempts(Protocol):
    """Packages, outputs and verdicts: refs/orchestrator/attempts/..., create-only, here and on the remote."""

    @writes
    def package(self, package: ContextPackage) -> Oid:
        """Stores a package and returns its blob."""
        ...

    @writes
    def keep_output(self, spec: Spec, output: Output) -> Oid:
        """Keeps an output, as the commit and ref of the attempt, in the private clone; repeatable.

        Applies the edits of Changes to the base, without judging them; an edit that cannot be a tree entry
        (a name with '..', '.git', an empty part) makes the output a CouldNot that says so.
        """
        ...

    @writes
    def keep_verdict(self, attempt: AttemptId, verdict: Verdict) -> None:
        """Keeps a verdict, beside the attempt."""
        ...

    @writes
    def publish(self, brief: BriefId) -> bool:
        """Pushes what the remote lacks of this brief's attempts and verdicts; False when it could not."""
        ...

    def unpublished(self) -> frozenset[BriefId]:
        """Returns briefs with attempts or verdicts that the remote is not known to have."""
        ...

    @writes
    def fetch(self, brief: BriefId) -> bool:
        """Brings what others published of this brief; False when the remote could not be read."""
        ...

    def of(self, brief: BriefId) -> tuple[Returned, ...]:
        """Returns what is kept here, oldest first."""
        ...


class Claims(Protocol):
    """The right to work: refs on the remote (rules C1 to C9)."""

    @writes
    def acquire(self, brief: BriefId, digest: Digest, paths: Sequence[RepoPath]) -> ClaimOutcome:
        """C1: claims all or none in one push; after any non-ok reply re-reads and cleans up (C3)."""
        ...

    @writes
    def renew(self, claims: Sequence[Claim]) -> tuple[BriefId, ...]:
        """Renews each held/ by compare-and-swap; returns the briefs that were lost."""
        ...

    @writes
    def take_over(self, stale: HeldRef) -> ClaimOutcome:
        """C5: compare-and-swap of held/ alone, with a new nonce; the acq and its path claims stay."""
        ...

    @writes
    def release(self, claim: Claim) -> None:
        """Deletes held/ and the path claims, each leased at its oid."""
        ...

    @writes
    def delete(self, refs: Sequence[Deletion]) -> None:
        """Deletes refs under the claims root, each by itself, leased (C3, C6)."""
        ...

    @writes
    def hold_gate(self, branch: str) -> HeldRef | Busy | Unreachable:
        """L1: takes or renews gate/<branch>; a stale one (C5) is taken over."""
        ...

    @writes
    def release_gate(self, branch: str) -> None:
        """Lets go of gate/<branch> if it is ours, of an earlier epoch of this run folder too."""
        ...

    @writes
    def take(
        self, paths: Sequence[RepoPath], *, who: str, reason: str
    ) -> tuple[str, tuple[ClaimedPath, ...]] | Busy | Unreachable:
        """A person's claim; returns its token."""
        ...

    @writes
    def give_back(self, token: str) -> bool:
        """Releases a person's claim."""
        ...

    def held(self) -> Mapping[BriefId, HeldRef]:
        """Returns every held/ as last fetched."""
        ...

    def seen(self) -> tuple[SeenClaim, ...]:
        """Returns every path claim as last fetched."""
        ...

    def gate(self, branch: str) -> HeldRef | None:
        """Returns gate/<branch> as last fetched."""
        ...

    def mine(self, brief: BriefId) -> Claim | None:
        """Returns our whole claim on `brief` as last fetched: our epoch, our acq, every path of it there."""
        ...

    def strays(self) -> tuple[Deletion, ...]:
        """C3: refs with an acq of ours that we do not hold."""
        ...

    def earlier(self) -> tuple[HeldRef, ...]:
        """Y1: held/ refs of an earlier epoch of this run folder: ours to renew at once."""
        ...


class Remote(Protocol):
    """Reading the remote. One fetch brings branch, claims, gate and deploys into mirror refs of the private clone."""

    @writes
    def sync(self) -> SyncOutcome:
        """Fetches. Rewritten is remembered until a human accepts it (rule P5)."""
        ...

    def tip(self) -> Oid | None:
        """Returns the branch as last fetched."""
        ...

    def fetched_s(self) -> float | None:
        """Returns when the last good fetch was, on the monotonic clock."""
        ...

    def pushed_requests(self) -> tuple[Request, ...]:
        """Returns what people pushed to inbox/* branches, as last fetched."""
        ...

    @writes
    def remove_request(self, request: Request) -> None:
        """Deletes the inbox/* branch it came by, leased at what was read."""
        ...


class Committer(Protocol):
    """The only port that makes commits and moves the branch. bootstrap gives it to land alone."""

    @writes
    def record(
        self, synced: Synced, notes: Sequence[Note], *, policy: Policy, timestamp: int
    ) -> Planned | None:
        """Builds one commit for each note that still holds on top of the tip (R2); None when none does."""
        ...

    @writes
    def land(
        self,
        gated: Gated,
        *,
        still_open: StillOpen,
        note: Note,
        claim: Claim | None,
        policy: Policy,
        timestamp: int,
    ) -> Planned | Ineligible:
        """Builds M1 (rule L2: report, tick, move and trailers in the same commit)."""
        ...

    @writes
    def push(self, planned: Planned, *, timeout_s_max: float) -> PushOutcome:
        """Pushes, and reads the outcome from the remote (P2 to P4), never from the reply.

        Repeating it with the same `planned` is safe: that is how an intent of unknown fate is resolved.
        """
        ...

    @writes
    def follow(self, landed: Oid) -> str | None:
        """Fast-forwards the user's checkout, or says why not."""
        ...


class Checks(Protocol):
    """Runs one command over one tree in a checkout without .git, and blocks; called from the command lane only."""

    @writes
    def run(self, check: Check) -> CheckResult:
        """Runs it within its time; kills its process group. A check that cannot run at all has not passed."""
        ...


class Pool(Protocol):
    """Where attempts run. Calls return at once; what came of them is read at the next tick."""

    @writes
    def submit(self, spec: Spec, package: ContextPackage, profile: Profile) -> None:
        """Starts an attempt; nothing when it runs already."""
        ...

    @writes
    def cancel(self, attempt: AttemptId, *, reason: str) -> None:
        """Kills an attempt and all it started."""
        ...

    def finished(self) -> tuple[tuple[Spec, Output | NoOutput], ...]:
        """Returns outputs (or why there is none) not yet acknowledged; they come again until they are."""
        ...

    @writes
    def acknowledge(self, attempt: AttemptId) -> None:
        """Forgets an attempt whose outcome has been kept."""
        ...

    def running(self) -> Mapping[AttemptId, float]:
        """Returns seconds of silence for everything that runs, ours or not."""
        ...

    def close(self) -> None:
        """Kills everything that runs."""
        ...


class Web(Protocol):
    """Reads URLs of granted hosts, and blocks: never called from the decision thread. Nothing here raises."""

    def fetch(self, url: str, *, hosts: Sequence[str], reach: Reach = ...) -> FetchOutcome:
        """Returns what the URL holds, or why there is no answer; `hosts` is the allow-list."""
        ...

    def fetch_all(self, urls: Sequence[str], *, hosts: Sequence[str]) -> tuple[FetchOutcome, ...]:
        """Returns the same of several URLs, in their order."""
        ...

    def check(self, url: str, *, hosts: Sequence[str]) -> FetchOutcome:
        """Returns whether the URL is there, without its content."""
        ...


class Targets(Protocol):
    """Blocks; called from the deploy lane of its environment only."""

    def live(self, target: Target) -> Oid | None:
        """Returns the revision that is live, None when nothing (or nothing readable) is."""
        ...

    def generation(self, target: Target) -> int | None:
        """Returns the generation that stands at the target itself (directory targets)."""
        ...

    @writes
    def deploy(self, target: Target, *, revision: Oid, product: Oid, generation: int) -> str | None:
        """Ships; returns why it failed, or None. Its 'ok' proves nothing: look at what is live."""
        ...


class DeployRefs(Protocol):
    """refs/orchestrator/deploys/<env>: what an environment runs, by compare-and-swap."""

    def read(self, environment: Environment) -> LiveState | None:
        """Returns it as last fetched."""
        ...

    @writes
    def swap(
        self,
        environment: Environment,
        *,
        expected: Oid | None,
        revision: Oid,
        generation: int,
        state: str,
        looks: int = 0,
        reason: str = "",
    ) -> LiveState | None:
        """Moves it; None when somebody was faster or the remote did not answer."""
        ...


class Journal(Protocol):
    """A cache that may be deleted, never the only place of an accepted fact."""

    @writes
    def intend(self, planned: Planned) -> None:
        """P1: records what is about to be pushed."""
        ...

    @writes
    def settle_intent(self, planned: Planned) -> None:
        """Forgets an intent that landed or is dead."""
        ...

    def intents(self) -> tuple[Planned, ...]:
        """Returns intents whose outcome is not known."""
        ...

    @writes
    def begin(self, spec: Spec) -> None:
        """Records an attempt before it starts; nothing when it is recorded."""
        ...

    @writes
    def end(self, attempt: AttemptId, *, usage: Usage, reason: str) -> None:
        """Records how an attempt ended ('' = it returned)."""
        ...

    def begun(self) -> tuple[tuple[Spec, str | None], ...]:
        """Returns recorded attempts of open briefs with how they ended (None: still running)."""
        ...

    def spent(self, brief: BriefId) -> Mapping[str, Usage]:
        """Returns what each ended attempt of a brief used, by its ref, as far as this journal saw it."""
        ...

    def spent_since(self, timestamp: int) -> float:
        """Returns the US dollars that attempts used which ended at `timestamp` or later, where that is known."""
        ...

    @writes
    def forget(self, brief: BriefId) -> None:
        """Drops the attempts of a brief that is terminal from `begun`; what they used stays known.

        One that has not ended counts with all the money that was set aside for it.
        """
        ...

    @writes
    def keep_check(self, result: CheckResult) -> None:
        """Remembers a check result."""
        ...

    def checks(self) -> Mapping[Digest, CheckResult]:
        """Returns every remembered check result."""
        ...


class Lane(StrEnum):
    """Where a step runs."""

    REMOTE = "remote"  # one thread: every write to the remote, in order, renewals first
    LOCAL = "local"
    COMMAND = "command"
    DEPLOY = "deploy"


class Lanes(Protocol):
    """Threads that run a step to its durable end and then wake the daemon. The fake runs them in seeded order."""

    def start(self, lane: Lane, key: str, step: Callable[[], None], *, first: bool = False) -> bool:
        """Queues a step; False when that key is in flight already. `first` goes before others (renewals)."""
        ...

    def in_flight(self) -> frozenset[str]:
        """Returns the keys queued or running."""
        ...

    def failures(self) -> Mapping[str, tuple[float, str]]:
        """Returns keys whose last step raised: monotonic time and message."""
        ...

    def close(self) -> None:
        """Lets running steps end and drops queued ones."""
        ...
