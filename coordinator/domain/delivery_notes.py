"""The records of deploys: what is live and for whom, or that a change which landed is not live."""

from collections.abc import Sequence

from .names import Environment, Oid, Place
from .note import (
    REPLY_FILE,
    MoveBrief,
    Note,
    Operation,
    Precondition,
    PutFile,
    SayLive,
)
from .policy import Policy
from .proof import Gated
from .record import FORMAT_TRAILER, Record, Verb
from .reply import Reply, render
from .world import Filed, LiveState


def deployed(state: LiveState, briefs: Sequence[Filed], *, policy: Policy) -> Note:
    """Returns the deploy record: what is live, seen how often, and for which briefs, which are done by it."""
    short = state.revision[:12]
    operations: list[Operation] = [
        SayLive(environment=state.environment, revision=state.revision, generation=state.generation)
    ]
    for filed in briefs:
        text = f"Live in {state.environment}: {state.revision}, seen {state.looks} times in a row."
        reply = _reply(filed, state="completed", reasons=(), text=text)
        operations.append(MoveBrief(brief=filed.id, to=Place.DONE))
        operations.append(PutFile(brief=filed.id, name=REPLY_FILE, content=reply))
    before = f" in place of {state.previous[:12]}" if state.previous else ""
    record = Record(
        verb=Verb.DEPLOY,
        about=state.environment,
        subject=f"{short} is live",
        prose=f"Generation {state.generation} runs{before}; what is live was read back "
        f"{state.looks} times in a row.",
        trailers=(
            *_where(state),
            *(("Brief-Id", filed.id) for filed in briefs),
            ("Live", f"seen {state.looks} times"),
            *_why("deliver.live", policy),
        ),
        skip_ci=policy.commit.skip_ci,
    )
    return Note(record=record, when=_landed(briefs), operations=tuple(operations))


def not_live(
    environment: Environment,
    state: LiveState | None,
    why: str,
    briefs: Sequence[Filed],
    *,
    policy: Policy,
) -> tuple[Note, ...]:
    """Returns one fail record for each brief: its change stays on the branch, its deploy did not happen.

    `why` is the reason in its first line and output below; `state` None when nothing was tried.
    """
    reason, _, output = why.partition("\n")
    hint = f"see to the cause, then run `coordinator deploy {environment}`"
    notes = []
    for filed in briefs:
        text = (
            f"The change has landed, but it is not live in {environment}: {reason}\n\nHint: {hint}."
        )
        if output.strip():
            text += "\n\n" + "\n".join(f"    {line}" for line in output.strip().splitlines())
        reply = _reply(filed, state="failed", reasons=(f"{reason}; {hint}",), text=text)
        record = Record(
            verb=Verb.FAIL,
            about=filed.id,
            subject=f"not live in {environment}: {reason}",
            prose=f"The change itself has landed. To ship it, {hint}.",
            quoted=output,
            trailers=(
                ("Brief-Id", filed.id),
                *(_where(state) if state else (("Environment", environment),)),
                *_why("deliver.failed", policy),
            ),
            skip_ci=policy.commit.skip_ci,
        )
        operations = (
            MoveBrief(brief=filed.id, to=Place.REJECTED),
            PutFile(brief=filed.id, name=REPLY_FILE, content=reply),
        )
        notes.append(Note(record=record, when=_landed((filed,)), operations=operations))
    return tuple(notes)


def reverted(filed: Filed, landing: Oid, gated: Gated, state: LiveState, *, policy: Policy) -> Note:
    """Returns the record of a landing taken back because its deploy was never seen live (rule D3)."""
    why = state.reason.partition("\n")[0]
    text = f"The change was taken back: it was not live in {state.environment}: {why}"
    reply = _reply(filed, state="failed", reasons=(text,), text=text)
    record = Record(
        verb=Verb.REVERT,
        about=filed.id,
        subject=f"not live in {state.environment}: {why}",
        prose=f"This takes back {landing}: its deploy was not seen live, and the environment says "
        "that such a change is reverted.",
        quoted=state.reason,
        trailers=(
            ("Brief-Id", filed.id),
            ("Reverts", landing),
            *_where(state),
            ("Base", gated.merged.changeset.base),
            ("Gated-Tree", gated.merged.product),
            ("Checks", f"passed {len(gated.results)} of {len(gated.results)}"),
            *_why("deliver.revert", policy),
        ),
    )
    operations = (
        MoveBrief(brief=filed.id, to=Place.REJECTED),
        PutFile(brief=filed.id, name=REPLY_FILE, content=reply),
    )
    return Note(record=record, when=(), operations=operations)


def _landed(briefs: Sequence[Filed]) -> tuple[Precondition, ...]:
    return tuple(
        Precondition(brief=filed.id, place=Place.LANDED, blob=filed.blob) for filed in briefs
    )


def _reply(filed: Filed, *, state: str, reasons: tuple[str, ...], text: str) -> bytes:
    before = filed.reply or Reply(state="working", name=filed.brief.name)
    said = f"{before.text.strip()}\n\n{text}".strip()
    change = {"state": state, "held": None, "reasons": reasons, "text": said}
    return render(Reply.model_validate({**before.model_dump(), **change}))


def _where(state: LiveState) -> tuple[tuple[str, str], ...]:
    return (
        ("Environment", state.environment),
        ("Revision", state.revision),
        ("Generation", str(state.generation)),
        *((("Previous", state.previous),) if state.previous else ()),
    )


def _why(rule: str, policy: Policy) -> tuple[tuple[str, str], ...]:
    decided = f"rule {rule}@{policy.digest[:12] or 'default'}"
    return (("Decided-By", decided), ("Rule", "9"), FORMAT_TRAILER)
