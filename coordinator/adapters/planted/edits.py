"""Edits as a worker returns them."""

import base64
from collections.abc import Mapping
from typing import Literal

from coordinator.domain.names import RepoPath
from coordinator.domain.output import Changes, Edit

from .site import Site


def edited(
    site: Site,
    files: Mapping[str, str | None],
    summary: str,
    *,
    mode: Literal["100644", "100755"] = "100644",
) -> Changes:
    """Returns changes to a site: whole contents, None to remove; a file that stays as it is is left out."""
    return Changes(
        edits=tuple(
            Edit(path=RepoPath(path), mode=mode, content_b64=_encoded(content))
            for path, content in files.items()
            if site.files.get(path) != content or mode != "100644"
        ),
        summary=summary,
    )


def _encoded(content: str | None) -> str | None:
    return None if content is None else base64.b64encode(content.encode()).decode()
