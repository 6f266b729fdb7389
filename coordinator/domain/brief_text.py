"""The text of a brief: parse, render, and what the brief is known by. parse(render(b)) == b.

The author's own text is kept; the rendered text is the canonical one, and its digest is the brief's. The name
is the file's and not part of the text, so it is not in the digest either.
"""

from collections.abc import Mapping
from functools import lru_cache

from coordinator.domain import brief_front
from coordinator.domain.brief import Brief, Fault, Identity
from coordinator.domain.brief_criteria import read_criteria, read_prohibitions, render_items
from coordinator.domain.brief_items import Inputs, Scope, render_inputs, render_scope
from coordinator.domain.brief_layout import Layout, Section, decode, layout, prose
from coordinator.domain.brief_marks import escaped
from coordinator.domain.brief_output import read_output_format, render_output_format
from coordinator.domain.names import brief_id, digest

_KNOWN_MAX = 64
"""How many texts are remembered: each is looked at many times on its way."""


@lru_cache(maxsize=_KNOWN_MAX)
def parse(text: bytes, *, name: str) -> Brief | tuple[Fault, ...]:
    """Returns the brief that `text` says, or everything that is malformed about it, by line."""
    plain = decode(text)
    if isinstance(plain, tuple):
        return plain
    found = layout(plain)
    settings, faults = brief_front.fields(found.front or "")
    brief, more = _read(found, name=name)
    everything = [*found.faults, *faults, *more]
    if everything:
        return tuple(sorted(everything, key=lambda fault: fault.line))
    # What a brief takes from another one, it waits for.
    named = (*brief.inputs, *(item for task in settings.get("tasks", ()) for item in task.inputs))
    sources = (item.value for item in named if item.kind == "from")
    settings["after"] = tuple(dict.fromkeys((*settings.get("after", ()), *sources)))
    return brief.model_copy(update=settings)


def render(brief: Brief) -> str:
    """Returns the canonical text of a brief: front matter and sections in one fixed order and form."""
    wanted = brief.output_format
    bodies = (
        ("TASK", brief.task),
        ("INPUTS", render_inputs(brief.inputs)),
        ("SCOPE", render_scope(brief.scope_in, brief.scope_out, brief.scope_prose)),
        ("OUTPUT FORMAT", _joined(wanted.text, render_output_format(wanted))),
        ("DO NOT", render_items(brief.do_not)),
        ("ACCEPTANCE", render_items(brief.acceptance)),
    )
    said = [f"## {name}\n\n{escaped(body)}\n" for name, body in bodies if body]
    return brief_front.render(brief) + ("\n".join(said) or "## TASK\n")


def identify(brief: Brief, *, hash_chars: int = 8) -> Identity:
    """Returns the id and digest of a brief (rule I1); a longer hash tells apart what 8 characters cannot."""
    said = digest(render(brief).encode("utf-8", "surrogatepass"))
    return Identity(id=brief_id(brief.name, said, hash_chars=hash_chars), digest=said)


@lru_cache(maxsize=_KNOWN_MAX)
def identify_text(name: str, text: bytes) -> Identity:
    """Returns the id and digest of any text: a malformed one is known by the digest of its bytes."""
    brief = parse(text, name=name)
    if isinstance(brief, Brief):
        return identify(brief)
    said = digest(text)
    return Identity(id=brief_id(name, said), digest=said)


@lru_cache(maxsize=_KNOWN_MAX)
def sections(text: str) -> Mapping[str, int]:
    """Returns the line on which each section of a decoded text begins; settings by their key."""
    found = layout(text)
    where = dict(brief_front.lines(found.front or ""))
    for section in found.sections:
        where.setdefault(section.name, section.line)
    return where


def with_section(text: str, name: str, body: str) -> str:
    """Returns `text` with the whole section `name` (all its parts) saying `body` instead."""
    found = layout(text)
    lines = text.rstrip("\n").split("\n")
    taken = {n for s in found.sections if s.name == name for n in range(s.line, s.end + 1)}
    kept = [line for n, line in enumerate(lines, start=1) if n not in taken]
    safe = escaped("\n".join(line.strip() for line in body.strip().split("\n")))
    new = f"## {name}\n\n{safe}" if found.headed else f"{name}:\n{safe}"
    return "\n".join(kept).rstrip("\n") + f"\n\n{new}\n"


def _read(found: Layout, *, name: str) -> tuple[Brief, list[Fault]]:
    def named(section: str) -> list[Section]:
        return [s for s in found.sections if s.name == section]

    inputs, scope = Inputs(), Scope()
    for section in named("INPUTS"):
        inputs.read(section)
    for section in named("SCOPE"):
        scope.read(section)
    wanted, faults = read_output_format(named("OUTPUT FORMAT"))
    do_not, prohibition_faults = read_prohibitions(named("DO NOT"))
    acceptance, criterion_faults = read_criteria(named("ACCEPTANCE"))
    brief = Brief(
        name=name,
        task="\n\n".join(t for t in (prose(s.parts) for s in named("TASK")) if t),
        inputs=tuple(inputs.items),
        scope_in=tuple(scope.inside),
        scope_out=tuple(scope.outside),
        scope_prose="\n".join(dict.fromkeys(p.strip() for p in scope.prose if p.strip())),
        output_format=wanted,
        do_not=do_not,
        acceptance=acceptance,
    )
    more = [*inputs.faults, *scope.faults, *faults, *prohibition_faults, *criterion_faults]
    return brief, more


def _joined(text: str, below: str) -> str:
    return "\n\n".join(part for part in (text, below) if part)
