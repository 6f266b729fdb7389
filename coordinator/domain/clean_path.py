"""Names that are not what they look like: spellings of .git, and names that some systems cannot check out."""

import functools
import re
import unicodedata

NAME_BYTES_MAX = 255
PATH_BYTES_MAX = 2_000

# What HFS+ ignores in a name, so that ".g<ZWNJ>it" is ".git" there.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_FORBIDDEN = frozenset('\\<>:"|?*')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?\Z")
_GIT = frozenset({".git", "git~1"})
_GIT_FILES = frozenset({".gitattributes", ".gitmodules", ".lfsconfig"})
_SHORT_GIT_FILES = re.compile(r"(gitatt|gitmod|lfscon|gi[0-9a-f]{4}|lf[0-9a-f]{4})~[0-9]\Z")
_SHORT = re.compile(r"([^~]{1,6})~[0-9]\Z")


@functools.lru_cache(maxsize=8_192)  # the same few names, at every look
def folded(name: str) -> str:
    """Returns what a file system that folds case, ignores marks or cuts ends makes of one name."""
    plain = unicodedata.normalize("NFC", _IGNORED.sub("", name)).casefold()
    return plain.partition(":")[0].rstrip(" .")


def is_git(path: str) -> bool:
    """Tells whether a part of `path` is `.git` in any spelling: case, NTFS, HFS+."""
    return any(folded(part) in _GIT for part in _parts(path))


def is_git_file(path: str) -> bool:
    """Tells whether `path` is a file that tells git what to do: .gitattributes, .gitmodules, .lfsconfig."""
    return any(
        folded(part) in _GIT_FILES or _SHORT_GIT_FILES.match(folded(part)) for part in _parts(path)
    )


def is_below(path: str, folder: str) -> bool:
    """Tells whether `path` is `folder` or below it, in any spelling of either."""
    parts = [folded(part) for part in _parts(path)]
    wanted = [folded(part) for part in _parts(folder)]
    return len(parts) >= len(wanted) and all(
        a == b or _is_short_for(a, b) for a, b in zip(parts, wanted, strict=False)
    )


def unclean(path: str) -> str | None:
    """Returns why a new file should not be called `path`, or None when it may."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if len(encoded) > PATH_BYTES_MAX:
        return f"it is longer than {PATH_BYTES_MAX} bytes"
    return next((why for part in path.split("/") if (why := _unclean_part(part))), None)


def _unclean_part(part: str) -> str | None:
    if part in ("", ".", ".."):
        return "a part of it is empty, '.' or '..'"
    faults = {
        f"a part of it is longer than {NAME_BYTES_MAX} bytes": len(part.encode()) > NAME_BYTES_MAX,
        "it has control or invisible characters": any(
            unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") for char in part
        ),
        "a part of it ends in a dot or a space": part[-1] in " .",
        "a part of it starts with a dash or a space": part[0] in " -",
        'it has one of \\ < > : " | ? *': bool(_FORBIDDEN & set(part)),
        "it is the name of a device on Windows": bool(_DEVICES.match(part.casefold())),
    }
    return next((why for why, holds in faults.items() if holds), None)


def _parts(path: str) -> list[str]:
    return re.split(r"[/\\]", path)


def _is_short_for(name: str, full: str) -> bool:
    """Tells whether `name` is an 8.3 name that NTFS could give `full` ("orches~1")."""
    short = _SHORT.match(name)
    plain = full.lstrip(".").replace(".", "").replace(" ", "")
    return (
        short is not None and (len(full) > 8 or full.startswith(".")) and plain.startswith(short[1])
    )
