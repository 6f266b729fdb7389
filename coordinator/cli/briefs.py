"""Writing, checking and dropping briefs."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coordinator.cli.answering import (
    EXIT_FAILED,
    EXIT_INPUT_REQUIRED,
    Place,
    Seconds,
    answer,
    plain,
    say,
    shared_options,
    shown,
)
from coordinator.domain.errors import BriefError
from coordinator.domain.names import slug
from coordinator.domain.status import BriefStatus, State

if TYPE_CHECKING:
    from coordinator.desk import Put
    from coordinator.services.intake import Assessment

_LOOK_EVERY_S = 0.25
_FETCH_EVERY_S = 2.0
_BRIEF_BYTES_MAX = 1_000_000
_EXIT_CODES = {"accepted": 0, "needs_clarification": EXIT_INPUT_REQUIRED, "rejected": EXIT_FAILED}

_NEW = """\
---
# Settings are optional; `coordinator workers list` says who can work.
# worker: links
# priority: 0
# after: other-brief
# deploy: production
---

# {name}

## TASK

One sentence that begins with a verb and says what shall be different.

## INPUTS

- docs/**/*.md

## SCOPE

- in: docs/**
- out: docs/archive/**

## OUTPUT FORMAT

changes

## DO NOT

- change more than 50 lines

## ACCEPTANCE

- only: docs/**
"""


@click.group()
@shared_options
def brief(*, place: Place, as_json: bool) -> None:
    """Write, check and drop briefs"""
    del place, as_json


@brief.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print it instead of writing the file.")
@shared_options
def new(*, place: Place, as_json: bool, name: str, dry_run: bool) -> None:
    """Write the template of a brief to NAME.md"""
    name = name.removesuffix(".md")
    text = _NEW.format(name=name)
    path = place.path / f"{slug(name)}.md"
    if not dry_run:
        _write_new(path, text)
    if as_json:
        answer({"path": str(path), "text": text})
    elif dry_run:
        click.echo(text, nl=False)
    else:
        click.echo(f"wrote {path}; fill it in, then `{_drop_line(place, path)}`.")


def _write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet, whole or not at all. Raises BriefError where it is."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BriefError(f"{path} exists already", hint="choose another name") from None
    except OSError:
        path.unlink(missing_ok=True)
        raise


@brief.command()
@click.argument("file", type=click.Path(path_type=Path))
@shared_options
def check(*, place: Place, as_json: bool, file: Path) -> int:
    """Say what intake would say about FILE"""
    name, text = _read(file)
    from coordinator.adapters.secrets import DetectSecrets  # noqa: PLC0415  slow to load

    judged = place.desk().check(name, text, secrets=DetectSecrets())
    if as_json:
        answer(
            {
                "id": judged.identity.id,
                "verdict": judged.verdict,
                "faults": plain(judged.faults),
                "questions": plain(judged.questions),
                "estimate": plain(judged.estimate),
                "duplicate": plain(judged.duplicate),
            }
        )
    else:
        _tell(file, judged)
    return _EXIT_CODES[str(judged.verdict)]


@brief.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--wait", is_flag=True, help="Wait until it is completed, has failed, or asks.")
@click.option(
    "--timeout",
    "timeout_s",
    type=Seconds(min=0),
    metavar="S",
    help="With --wait: give up after so many seconds (exit 1).",
)
@click.option("--remote", is_flag=True, help="Push it as an inbox/* branch instead.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped.")
@shared_options
def drop(
    *,
    place: Place,
    as_json: bool,
    file: Path,
    wait: bool,
    timeout_s: float | None,
    remote: bool,
    dry_run: bool,
) -> int:
    """Put FILE into the inbox; works without a daemon"""
    name, text = _read(file)
    if dry_run:
        there = place.desk().would_drop(name, text)
        _dropped(there.id, there.state, duplicate=there.duplicate, as_json=as_json)
        return 0
    if remote:
        from coordinator import front_desk  # noqa: PLC0415  loads every adapter

        put = front_desk.drop_remote(place.path, name, text)
    else:
        put = place.desk().drop(name, text)
    if not wait:
        _dropped(put.id, put.state, duplicate=put.duplicate, as_json=as_json)
        return 0
    if not as_json:
        say(f"dropped {put.id}; waiting")
    ended = _wait(place, put, timeout_s=timeout_s)
    _dropped(put.id, ended.state, duplicate=put.duplicate, as_json=as_json, ended=ended)
    return _exit_code(ended.state)


def _drop_line(place: Place, path: Path) -> str:
    """Returns the command line that drops the file `path`, from where this one was typed."""
    here = Path.cwd()
    elsewhere = place.path.resolve() != here
    words = ["coordinator", *(("-C", str(place.path)) if elsewhere else ()), "brief", "drop"]
    return shlex.join([*words, str(path if elsewhere else path.name)])


def _read(file: Path) -> tuple[str, bytes]:
    if file.is_symlink():
        raise BriefError(f"{file}: a symbolic link", hint="name the file it points to")
    if file.is_dir():
        raise BriefError(f"{file}: a folder", hint="name the brief in it; one file is one brief")
    if file.exists() and not file.is_file():
        raise BriefError(f"{file}: no regular file", hint="save the brief as a plain text file")
    if not file.is_file():
        raise BriefError(f"{file}: no such file", hint="`coordinator brief new NAME` writes one")
    if file.stat().st_size > _BRIEF_BYTES_MAX:
        raise BriefError(
            f"{file}: larger than {_BRIEF_BYTES_MAX} bytes",
            hint="name large data as paths or URLs under INPUTS",
        )
    return file.stem, file.read_bytes()


def _tell(file: Path, judged: "Assessment") -> None:
    click.echo(f"{judged.verdict}: {judged.identity.id}")
    for fault in judged.faults:
        where = f"{file}:{fault.line}" if fault.line else str(file)
        section = f" {fault.section}:" if fault.section else ""
        click.echo(f"  {shown(where)}:{section} {shown(fault.message)} ({fault.code})")
        if fault.hint:
            click.echo(f"    hint: {shown(fault.hint)}")
    for question in judged.questions:
        choices = f" [{' | '.join(question.choices)}]" if question.choices else ""
        click.echo(f"  ? {question.id}: {shown(question.text)}{shown(choices)}")
    if judged.estimate is not None:
        cost = judged.estimate.cost_usd
        price = "unknown cost" if cost is None else f"{cost:.2f} USD"
        click.echo(
            f"  expected: {judged.estimate.seconds:.0f} s, {judged.estimate.tokens} tokens, {price}"
        )


def _wait(place: Place, put: "Put", *, timeout_s: float | None) -> BriefStatus:
    end = None if timeout_s is None else time.monotonic() + timeout_s
    is_pushed = put.file.startswith("inbox/")
    while True:
        now = _pushed(place, put.id) if is_pushed else _dropped_here(place, put)
        if now is not None and (now.state.terminal or now.state is State.INPUT_REQUIRED):
            return now
        if end is not None and time.monotonic() > end:
            state = now.state if now else put.state
            raise BriefError(
                f"{put.id} is still {state} after {timeout_s:g} s",
                hint="is a daemon running? `coordinator status` says",
            )
        time.sleep(_FETCH_EVERY_S if is_pushed else _LOOK_EVERY_S)


def _dropped_here(place: Place, put: "Put") -> BriefStatus | None:
    """Returns the brief; None while its file lies in the inbox: an old state is not taken for new."""
    desk = place.desk()
    return None if put.file and desk.is_in_inbox(put.file) else desk.find(put.id)


def _pushed(place: Place, brief_id: str) -> BriefStatus | None:
    """Returns a brief that was pushed as a branch; None until a daemon somewhere has taken it in."""
    from coordinator import front_desk  # noqa: PLC0415  loads every adapter

    front_desk.refresh(place.path)
    return next((one for one in place.desk().briefs() if one.id == brief_id), None)


def _dropped(
    brief_id: str,
    state: State,
    *,
    duplicate: bool,
    as_json: bool,
    ended: BriefStatus | None = None,
) -> None:
    if as_json:
        more = {"commit": ended.commit, "reasons": ended.reasons} if ended else {}
        answer({"id": brief_id, "state": state, "duplicate": duplicate, **more})
        return
    known = ", which was dropped before" if duplicate else ""
    click.echo(f"{brief_id} is {state}{known}.")
    for reason in ended.reasons if ended else ():
        click.echo(f"  {shown(reason)}")
    if ended is not None and ended.state is State.INPUT_REQUIRED:
        say(f"what it waits for, and what to type: coordinator show {brief_id}")


def _exit_code(state: State) -> int:
    if state is State.COMPLETED:
        return 0
    return EXIT_INPUT_REQUIRED if state is State.INPUT_REQUIRED else EXIT_FAILED
