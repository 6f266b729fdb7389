"""Why a remote could not be used: a name that people can look up, and what to do."""

import re

from coordinator.adapters.git_command import Finished, without_secrets
from coordinator.domain.proof import Unreachable

# The first that matches counts, so what names the cause comes before what only reports the end.
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "host key changed",
        "find out why; then `ssh-keygen -R HOST` and connect once by hand",
    ),
    (
        r"Host key verification failed|No \S+ host key is known",
        "unknown host key",
        "connect once by hand (`ssh HOST`) and accept the key, or add it to ~/.ssh/known_hosts",
    ),
    (
        (
            r"Permission denied \(|no such identity|Too many authentication failures"
            r"|Load key .*(invalid|denied)"
        ),
        "permission denied: the remote accepts no key that was offered",
        "add your key to the agent (`ssh-add`) and to the host; test with `ssh -T HOST`",
    ),
    (
        (
            r"[Cc]ould not resolve (host|proxy)|Name or service not known"
            r"|Temporary failure in name resolution|nodename nor servname"
        ),
        "could not resolve the host",
        "check the remote's URL and the network",
    ),
    (
        (
            r"terminal prompts disabled|could not read (Username|Password)|Authentication failed"
            r"|HTTP Basic: Access denied|error: 401|Invalid username or (password|token)"
        ),
        "authentication required",
        "set up a credential helper (`git config credential.helper ...`) that answers by itself",
    ),
    (
        r"dubious ownership",
        "the remote's folder belongs to somebody else",
        "`git config --global --add safe.directory PATH`",
    ),
    (
        (
            r"[Rr]epository .*not found|does not appear to be a git repository|error: 404"
            r"|not a git repository|project you were looking for could not be found"
        ),
        "repository not found",
        "check the remote's URL, and that your account may see it",
    ),
    (
        r"error: 403|Write access .*not granted|denied to |read-only|not allowed to push",
        "permission denied",
        "your account may not do this on the remote; ask for the right to push",
    ),
    (
        r"SSL|certificate|TLS|gnutls",
        "the secure connection failed",
        "check the clock, the proxy and http.sslCAInfo",
    ),
    (
        (
            r"[Cc]onnection (refused|timed out|reset|closed)|Operation timed out|No route to host"
            r"|Network is unreachable|Failed to connect|Couldn't connect|Empty reply"
        ),
        "no connection",
        "check the network and that the host is up",
    ),
    (
        r"ssh: not found|cannot run ssh|unable to find remote helper|No such file or directory",
        "the program for this kind of remote is missing",
        "install it (ssh, curl support in git) or use another URL",
    ),
    (
        r"did not send all necessary objects",
        "objects are missing, there or in the private clone",
        (
            "`git fsck` at the remote; a damaged .orchestrator/run may be deleted while no daemon "
            "runs, and is made anew"
        ),
    ),
    (
        r"detected .*dubious|transport '\w+' not allowed",
        "this kind of remote is not allowed",
        "see protocol.allow in `git help config`",
    ),
)


def reason_of(finished: Finished) -> Unreachable:
    """Returns the named reason, with the line of git (or ssh) that it was seen in."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", finished.said)]
    for pattern, reason, hint in _REASONS:
        said = next((line for line in lines if re.search(pattern, line)), None)
        if said is not None:
            return Unreachable(f"{reason} ({without_secrets(said)})", hint)
    return Unreachable(f"the remote did not answer ({finished.last_line})", "try the same by hand")
