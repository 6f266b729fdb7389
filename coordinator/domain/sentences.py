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
    add adjust align analyse analyze answer append apply archive assemble assert audit balance benchmark
    break bring build bump calculate capture catalog catalogue change check classify clean collapse collect
    combine compare compile complete compose compress compute condense confirm connect consolidate convert
    copy correct count create crosscheck cut debug declare decrease define delete deploy derive describe
    design detect determine diff disable discover display divide document draft drop edit eliminate enable
    enforce ensure enter enumerate establish estimate evaluate examine exclude expand explain explore export
    expose extend extract fetch figure fill filter find finish fix flag flatten follow format gather generate
    get give grep group guard handle harden identify implement import improve include increase index inform
    insert inspect install integrate introduce inventory investigate join keep label link lint list load
    locate log look lower make map mark match measure mention merge migrate minify modify monitor move name
    note number open optimise optimize order organise organize outline pack parse paste patch pick plan
    polish port prepare present preserve prevent print produce propose protect prove provide prune publish
    pull put quote raise rank read rebuild recommend record redirect reduce refactor refine reformat refresh
    regenerate register reject release relocate remove rename render reorder repair replace report reproduce
    rescue research resolve restore restructure return review revise rewrite rework round run save say scan
    score search secure select send separate set shorten show shrink simplify sketch solve sort specify split
    spot standardise standardize state stop store strip study substitute suggest sum summarise summarize
    support swap synchronise synchronize sync tabulate tag take tell test tidy trace track transform
    translate trim try turn unify update upgrade use validate verify view walk warn wrap write
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
