"""The demonstration that `make demo` runs: what a user would type, typed for you."""
