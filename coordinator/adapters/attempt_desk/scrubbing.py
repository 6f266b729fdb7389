"""Keeps one secret out of what goes by, however a stream was cut."""

MASK = b"[key]"


class Scrubber:
    """Replaces a secret in a stream; holds back only an end that may be the beginning of the secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._rest = b""

    def pass_on(self, chunk: bytes) -> bytes:
        """Returns what may go on of what came until now."""
        if not self._secret:
            return chunk
        held = (self._rest + chunk).replace(self._secret, MASK)
        keep = next(
            (
                size
                for size in range(min(len(self._secret) - 1, len(held)), 0, -1)
                if held.endswith(self._secret[:size])
            ),
            0,
        )
        self._rest = held[len(held) - keep :]
        return held[: len(held) - keep]

    def end(self) -> bytes:
        """Returns what was held back."""
        held, self._rest = self._rest, b""
        return held


def scrubbed(content: bytes, secret: bytes) -> bytes:
    """Returns `content` without `secret`."""
    return content.replace(secret, MASK) if secret else content
