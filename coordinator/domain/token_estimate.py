"""How many tokens a text is, where nobody has counted them: what is expected, and what is set aside for it."""

BYTES_PER_TOKEN = 3  # a token of English text or code is about four: this is on the high side
CHARS_PER_TOKEN = 4


def expected(chars: int) -> int:
    """Returns how many tokens so many characters are expected to be."""
    return -(-chars // CHARS_PER_TOKEN)


def at_most(count_bytes: int) -> int:
    """Returns how many tokens so many bytes are, rather too many."""
    return -(-count_bytes // BYTES_PER_TOKEN)


def of_text(text: str) -> int:
    """Returns how many tokens a text is, rather too many."""
    return at_most(len(text.encode("utf-8", "replace")))
