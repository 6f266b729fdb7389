"""Lines that fit the terminal; what goes into a pipe or a file is neither wrapped nor cut."""

import shutil
import sys
import textwrap


def columns() -> int | None:
    """Returns how many characters a line of the terminal has; None where nobody looks at one."""
    if not sys.stdout.isatty():
        return None
    return max(20, shutil.get_terminal_size().columns)


def wrapped(text: str, *, indent: str, columns: int | None) -> list[str]:
    """Returns the lines of `text`, each indented; what does not fit goes on a little further in.

    A command stays on one line, so that it can be copied.
    """
    if columns is None or text.startswith("coordinator "):
        return [indent + line for line in text.splitlines()]
    return [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(
            line,
            columns - 1,
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        or [indent.rstrip()]
    ]


def cut(word: str, chars_max: int) -> str:
    """Returns a word with its middle left out: an id tells briefs apart by its end."""
    if len(word) <= chars_max:
        return word
    end = (chars_max - 1) // 2
    return f"{word[: chars_max - 1 - end]}…{word[len(word) - end :]}"
