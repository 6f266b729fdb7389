"""The closed registry of tools: every name that a worker may be granted, and who does the work."""

READING = ("list", "glob", "read", "grep", "log", "blame", "show")
"""Over git objects at the base of the package, in the worker's own process."""

DAEMON = ("check_url", "fetch_url", "web_search", "python_exec")
"""Done by the daemon for the worker, which has neither a network nor a sandbox of its own."""

WRITING = ("file_write",)
"""Changes the worker's own copy: what comes of it is an output like any other, never the repository."""

TOOLS = (*READING, *DAEMON, *WRITING)
