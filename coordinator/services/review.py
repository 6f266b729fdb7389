"""Judges one output: its kind, the screen, the criteria that rules can tell; asks for checks that are missing."""

from collections.abc import Iterable

from coordinator.domain import evaluating, faithful, planner, quoting, screen, tasks
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief, Kind
from coordinator.domain.check import Check
from coordinator.domain.clean_path import is_git
from coordinator.domain.criteria import built_in, criteria, shape, trust
from coordinator.domain.names import Oid
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.record import clean
from coordinator.domain.resulting import Resulting
from coordinator.domain.tree import Entry, matches
from coordinator.domain.verdict import Accept, Finding, Reject, Revise, Trust, Verdict, feedback
from coordinator.domain.world import Sighting, World
from coordinator.ports import Objects
from coordinator.services import outcome

Judged = Accept | Revise | Reject | tuple[Check, ...]

# A broken promise of a built-in worker is a way of leaving the scope it was given.
_BUILT_IN_CODE = "out-of-scope"


def judge(returned: Returned, sighting: Sighting, world: World, *, objects: Objects) -> Judged:
    """Returns the verdict on an output that has been kept, or the checks that must run before there is one.

    What is judged is the tree that results, never what the worker says of it. Prose criteria stay open
    (`met` None): nobody here can tell, and the trust says so.
    """
    if returned.spec.role == "evaluator":
        return _evaluation(returned, sighting, objects=objects)
    if returned.spec.role == "planner":
        return _planning(returned, sighting, world)
    brief = tasks.asked_of(sighting, returned.spec)
    body = returned.output.body
    if isinstance(body, CouldNot):
        return _could_not(body, returned, sighting, world, objects=objects)
    unwritable = _unwritable(brief)
    if unwritable is not None:
        return _rejected("unclean-name", (unwritable,))
    if isinstance(body, Changes) and body.refused:
        return _rejected(screen.refused(body.refused)[0].code, screen.refused(body.refused))
    base, result = trees(returned, brief, objects=objects)
    resulting = outcome.resulting_of(body, base, result, brief, objects=objects)
    form = shape(resulting, brief)
    # Before the form: what broke out of its scope is not asked to do it again in another form.
    whole = sighting.filed.brief
    violations = screen.screen(resulting, brief=brief, whole=whole, policy=world.policy)
    if violations:
        return _rejected(violations[0].code, (form, *violations))
    if not form.met:
        return _revised((form,))
    capabilities = _capabilities(returned, world)
    promised = built_in(resulting, capabilities, brief)
    if not all(finding.met for finding in promised):
        return _rejected(_BUILT_IN_CODE, (form, *promised))
    looked_at = (form, _in_scope(resulting), *promised, *criteria(resulting, brief))
    if returned.spec.role == "synthesizer":
        looked_at += _faithful(returned, objects=objects)
    return _concluded(
        looked_at,
        resulting,
        result=result,
        brief=brief,
        capabilities=capabilities,
        world=world,
        objects=objects,
    )


def _faithful(returned: Returned, *, objects: Objects) -> tuple[Finding, ...]:
    """Returns whether a report written from others has all of them, by the inputs that its package held."""
    package = ContextPackage.model_validate_json(objects.content(returned.spec.package))
    inputs = {item.value: item.content or "" for item in package.input_data}
    body = returned.output.body
    missing = faithful.left_out(inputs, body.text if isinstance(body, Report) else "")
    told = missing or ("yes",)
    criterion = "everything of the inputs is in the report"
    return tuple(
        Finding(code="left-out", criterion=criterion, met=not missing, evidence=one) for one in told
    )


def _evaluation(returned: Returned, sighting: Sighting, *, objects: Objects) -> Judged:
    """Returns the verdict on an evaluation: its form, and whether its evidence stands in what it was shown."""
    spec = returned.spec
    author = next(
        (
            a
            for a in sighting.attempts
            if isinstance(a, Returned)
            and a.spec.role == "author"
            and a.spec.id.number == spec.about
            and a.spec.profile != spec.profile
        ),
        None,
    )
    if author is None:
        why = f"attempt {spec.about} is no output of another worker"
        said = Finding(code="evaluation", criterion="ABOUT", met=False, evidence=why)
        return _rejected("evaluation", (said,))
    package = ContextPackage.model_validate_json(objects.content(spec.package))
    verdict = evaluating.judged(
        evaluating.open_findings(author.verdict), quoting.shown_in(package), returned.output.body
    )
    return _harmless(verdict)


def _planning(returned: Returned, sighting: Sighting, world: World) -> Judged:
    """Returns the verdict on what a planner answered; an older one, whose plan is there, has had its own."""
    if sighting.filed.plan is None:
        said = Finding(code="plan", criterion="ABOUT", met=False, evidence="there is no plan")
        return _rejected("plan", (said,))
    return _harmless(planner.judged(returned, sighting, world))


def _harmless(verdict: Verdict) -> Judged:
    """Returns a verdict that any terminal or file may show: it may quote what a worker wrote."""
    told = tuple(clean(text) for text in getattr(verdict, "feedback", ()))
    changed = {"findings": _plain(verdict.findings), **({"feedback": told} if told else {})}
    return verdict.model_copy(update=changed)


def trees(returned: Returned, brief: Brief, *, objects: Objects) -> tuple[Oid, Oid]:
    """Returns the base tree and the resulting tree; a report is written at the path that the brief names."""
    base = returned.spec.start or objects.tree_of(returned.spec.base)
    body, path = returned.output.body, brief.output_format.path
    match body:
        case Changes():
            return base, returned.result or base
        case Report() if path is not None:
            blob = objects.blob(body.text.encode("utf-8", "replace"))
            return base, objects.edit(base, {path: Entry("100644", blob)})
        case _:
            return base, base


def _unwritable(brief: Brief) -> Finding | None:
    """Returns what is wrong with an output path that no tree can hold; intake refuses such a brief."""
    path = brief.output_format.path
    if path is None or not (is_git(path) or {"", ".", ".."} & set(path.split("/"))):
        return None
    told = f"{path} cannot be written"
    return Finding(
        code="unclean-name", criterion="OUTPUT FORMAT: the path", met=False, evidence=told
    )


def _concluded(
    looked_at: tuple[Finding, ...],
    resulting: Resulting,
    *,
    result: Oid,
    brief: Brief,
    capabilities: frozenset[str],
    world: World,
    objects: Objects,
) -> Judged:
    """Returns the verdict on an output that no rule keeps out."""
    if any(finding.met is False for finding in looked_at):
        return _revised(looked_at)  # a command is not run for what needs another try anyway
    wanted, ran = _checks(resulting, result, brief, world, objects=objects)
    if wanted:
        return wanted
    findings = (*looked_at, *ran)
    if any(finding.met is False for finding in ran):
        return _revised(findings)
    return Accept(trust=trust(findings, brief, capabilities), findings=_plain(findings))


def _checks(
    resulting: Resulting, result: Oid, brief: Brief, world: World, *, objects: Objects
) -> tuple[tuple[Check, ...], tuple[Finding, ...]]:
    """Returns the checks that have no result yet, and findings for the others."""
    wanted: list[Check] = []
    findings: list[Finding] = []
    for item in (c for c in brief.acceptance if c.kind == "check"):
        command = world.policy.check(item.value.strip())
        if command is None:
            told = f"config.toml has no [checks.{item.value.strip()}]"
            findings.append(Finding(code="check", criterion=item.text, met=False, evidence=told))
            continue
        if command.paths and not any(
            matches(change.path, glob) for change in resulting.changes for glob in command.paths
        ):
            told = "not needed: it looks at other paths"
            findings.append(Finding(code="check", criterion=item.text, met=True, evidence=told))
            continue
        check = Check(
            product=objects.product(result),
            command=command,
            confinement=world.policy.confinement,
        )
        known = world.checks.get(check.key)
        if known is None:
            wanted.append(check)
        else:
            told = f"{command.name} {'passed' if known.passed else 'failed'} on {check.product}"
            tail = known.tail.encode("utf-8", "replace").decode()
            evidence = told if known.passed else f"{told}:\n{tail}"
            findings.append(
                Finding(code="check", criterion=item.text, met=known.passed, evidence=evidence)
            )
    return tuple(dict.fromkeys(wanted)), tuple(findings)


def _could_not(
    body: CouldNot, returned: Returned, sighting: Sighting, world: World, *, objects: Objects
) -> Judged:
    match body.why:
        case "question":
            # The state machine turns this code into a question to whoever asked.
            return Reject(code="question", findings=(), feedback=(clean(body.text),))
        case "missing_tool" | "missing_data":
            code = body.why.replace("_", "-")
            needs = "the worker has all that it needs"
            said = Finding(code=code, criterion=needs, met=False, evidence=body.text)
            return Reject(
                code=code, findings=_plain((said,)), feedback=(f"{code}: {clean(body.text)}",)
            )
        case "noop":
            return _noop(body, returned, sighting, world, objects=objects)


def _noop(
    body: CouldNot, returned: Returned, sighting: Sighting, world: World, *, objects: Objects
) -> Judged:
    """Nothing to change, or nothing to report: right when the base itself meets the criteria."""
    brief = tasks.asked_of(sighting, returned.spec)
    kind = brief.output_format.kind or Kind.REPORT
    said = body.text.strip() or "nothing to do"
    if kind is Kind.JSON:
        told = "a JSON value was asked for: return an empty one when there is nothing to report"
        return _revised((Finding(code="shape", criterion=kind, met=False, evidence=told),))
    base = returned.spec.start or objects.tree_of(returned.spec.base)
    nothing = Changes(edits=(), summary=said) if kind is Kind.CHANGES else Report(text=said)
    resulting = outcome.resulting_of(nothing, base, base, brief, objects=objects)
    found = Finding(code="noop", criterion=f"OUTPUT FORMAT: {kind}", met=True, evidence=said)
    # A pattern, a list or a schema cannot be asked of what is not there.
    asked = [f for f in criteria(resulting, brief) if f.code not in ("matches", "schema")]
    judged = _concluded(
        (found, *asked),
        resulting,
        result=base,
        brief=brief,
        capabilities=frozenset(),
        world=world,
        objects=objects,
    )
    if isinstance(judged, Accept) and judged.trust is Trust.UNVERIFIED:
        return Accept(trust=Trust.VERIFIED, findings=judged.findings)
    return judged


def _in_scope(resulting: Resulting) -> Finding:
    count = len(resulting.changes)
    several = f"{count} changed paths, all of them in SCOPE"
    told = {0: "nothing changes", 1: "one changed path, in SCOPE"}.get(count, several)
    return Finding(code="scope", criterion="SCOPE and the screen", met=True, evidence=told)


def _capabilities(returned: Returned, world: World) -> frozenset[str]:
    profile = world.policy.profile(returned.spec.profile)
    return profile.capabilities if profile is not None else frozenset()


def _rejected(code: str, findings: tuple[Finding, ...]) -> Reject:
    plain = _plain(findings)
    return Reject(code=code, findings=plain, feedback=feedback(plain))


def _revised(findings: tuple[Finding, ...]) -> Revise:
    plain = _plain(findings)
    return Revise(findings=plain, feedback=feedback(plain))


def _plain(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns findings that any terminal or file may show: evidence may quote what a worker wrote."""
    return tuple(f.model_copy(update={"evidence": clean(f.evidence)}) for f in findings)
