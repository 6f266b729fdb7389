"""Whether TASK is one sentence with a verb: a rule that an author can predict, on the lenient side.

One sentence: at most one '.', '!' or '?' that ends something. A verb: one of the first eight words is in the
list below, or ends in -ize, -ise or -ify.
"""

import re

_WORDS_LOOKED_AT = 8
_LITERALS = re.compile(r"`[^`]*`|\"[^\"]*\"|https?://\S+|(?<!\S)/\S.*?/[ims]*(?=[\s,;.]|\Z)")
_SHORT = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|incl|excl|no|nr|resp)\.(?=\s)", re.IGNORECASE)
_END = re.compile(r"[.!?]+(?=[\s)\]\"']|\Z)")
_VERB_LIST = """
    abbreviate accelerate accept adapt add adjust adopt align allow amend analyse analyze annotate
    announce answer append apply approve archive arrange ask assemble assert assess assign attach audit
    automate avoid backport balance benchmark bind blend boost bootstrap borrow break bring build bump
    bundle calculate calibrate cancel capture catalog catalogue change check choose cite classify clean
    clone collapse collate collect combine compare compile complete compose compress compute concatenate
    condense configure confirm connect consolidate constrain construct consult contrast contribute convert
    copy correct count cover crawl create cross-check crosscheck cut debug decide declare decode decompose
    decouple decrease deduce dedupe deduplicate defer define delay delegate delete demonstrate denote
    deploy deprecate derive describe design detect determine diagnose diff differentiate disable discover
    discuss display dissect distil distill distinguish divide document double-check download draft drain
    drop edit eject elaborate eliminate embed emit employ enable encode encourage encrypt enforce ensure
    enter enumerate escape establish estimate evaluate evolve examine exclude execute exempt expand
    explain explore export expose extend extract extrapolate fetch figure fill filter find finish fix flag
    flatten follow forbid forecast format forward freeze fulfil fulfill furnish gather gauge generate get
    give grant grep group guard halve handle harden hide highlight hoist identify illustrate implement
    import impose improve include increase index infer inform inject insert inspect install instrument
    integrate interpret introduce introspect inventory invert investigate invoke isolate iterate join
    judge keep label learn leave lift limit link lint list load locate log look lower lowercase maintain
    make manage map mark match measure mend mention merge migrate minify mock modify monitor move name
    note number obtain offer omit open optimise optimize order organise organize outline overhaul override
    overwrite pack paraphrase parse partition paste patch permit persist pick pin plan polish populate
    port predict preload prepare present preserve prevent print probe produce proofread propagate propose
    protect prove provide prune publish pull purge push put quote raise rank read rearrange rebuild
    recheck recite reckon recommend recompute reconcile reconfigure reconstruct record recover recreate
    redesign redirect redo reduce refactor refer refine reflow reformat refresh regenerate register
    reimplement reindent reinstall reinstate reject rekey relabel relax release relink reload relocate
    remap remediate remind remove rename render reopen reorder repair rephrase replace replicate reply
    repoint report reproduce require rerun reschedule rescue research reset reshape resolve respond
    restart restate restore restrict restructure restyle retain rethink retire retitle retrieve retry
    return reuse revamp revert review revise reword rework rewrite rotate round run save say scaffold scan
    score scrape scrub search secure select send separate serve set settle sharpen shift ship shorten show
    shrink silence simplify sketch skip solve sort specify split spot squash standardise standardize start
    state stop store strengthen stress-test strip study submit substitute subtract suggest sum summarise
    summarize supply support suppress survey swap switch sync synchronise synchronize tabulate tackle tag
    tailor take teach tell terminate test throttle tidy tighten toggle touch trace track transcribe
    transfer transform translate triage trigger trim truncate try tune turn uncover undo unfold unify
    uninstall unlink unpin untangle unwrap update upgrade upload uppercase use validate verify vet view
    walk warn weigh widen wrap write
"""
_VERBS = frozenset(_VERB_LIST.split())


def not_one_sentence(task: str) -> str | None:
    """Returns what TASK is instead of one sentence with a verb, or None."""
    plain = _SHORT.sub(" ", _LITERALS.sub(" x ", " ".join(task.split())))
    pieces = [piece for piece in _END.split(plain) if re.search(r"\w", piece)]
    if len(pieces) > 1:
        return f"is {len(pieces)} sentences"
    words = re.findall(r"[A-Za-z][A-Za-z'-]*", plain.lower())[:_WORDS_LOOKED_AT]
    if not any(_is_verb(word) for word in words):
        return "has no verb"
    return None


def _is_verb(word: str) -> bool:
    bare = word.removeprefix("re-")
    return bare in _VERBS or (len(bare) > 5 and bare.endswith(("ize", "ise", "ify")))
