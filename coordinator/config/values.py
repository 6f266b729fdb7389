"""What single settings may be: the types that the tables of config.toml are made of."""

from typing import Annotated

from pydantic import AfterValidator, Field

from coordinator.domain.clean_path import is_git, unclean


def filled(value: str) -> str:
    """Refuses an empty text, and one that no program could be given."""
    if not value.strip() or "\0" in value:
        raise ValueError("must not be empty")
    return value


def folder(value: str) -> str:
    """Returns a folder of the repository without './' and the last '/'."""
    plain = value.removeprefix("./").rstrip("/")
    if why := unclean(plain):
        raise ValueError(f"must be a folder inside the repository: {why}")
    if is_git(plain) or plain.split("/")[0] == ".orchestrator":
        raise ValueError("must not be in .git or .orchestrator")
    return plain


def branch(value: str) -> str:
    """Refuses what git would not take as the short name of a branch; '' is none."""
    bad = set(value) & set(" ~^:?*[\\\x7f") or any(char < " " for char in value)
    parts = value.split("/")
    odd = any(not p or p.startswith(".") or p.endswith((".", ".lock")) for p in parts)
    if value and (bad or odd or ".." in value or "@{" in value or value.startswith(("-", "refs/"))):
        raise ValueError("must be the short name of a branch, such as main")
    return value


def remote(value: str) -> str:
    """Refuses what cannot be the name of a git remote."""
    if not value or value.startswith("-") or any(char <= " " for char in value):
        raise ValueError("must be the name of a git remote, such as origin")
    return value


def refs(value: str) -> str:
    """Returns a namespace of refs without the last '/'."""
    plain = value.rstrip("/")
    if not plain.startswith("refs/") or len(plain.split("/")) < 2 or branch(plain[5:]) == "":
        raise ValueError('must be a ref namespace, such as "refs/orchestrator"')
    return plain


def person(value: str) -> str:
    """Refuses what would break the line of an author."""
    if any(char in "<>" or char < " " for char in value):
        raise ValueError("must not have <, > or control characters")
    return value


def host(value: str) -> str:
    """Returns a host name, with a port or without, in lower case."""
    if not value or any(char <= " " or char in "/?#@" for char in value):
        raise ValueError('must be a host, such as "example.org" or "localhost:8000"')
    return value.lower()


def absolute(value: str) -> str:
    """Returns an absolute path without the last '/'."""
    if not value.startswith("/") or "\0" in value or ".." in value.split("/"):
        raise ValueError("must be an absolute path")
    return value.rstrip("/") or "/"


def url(value: str) -> str:
    """Returns an http or https URL without the last '/'; '' is none."""
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must be an http or https URL")
    if any(char <= " " for char in value):
        raise ValueError("must be a URL without blanks")
    return value.rstrip("/")


def name(value: str) -> str:
    """Refuses a name of a check, a gate or an environment that would not be safe in a ref."""
    if not value or len(value) > 63 or set(value) - set("abcdefghijklmnopqrstuvwxyz0123456789_-"):
        raise ValueError("must be a name of a-z, 0-9, '_' and '-', at most 63 characters")
    return value


Filled = Annotated[str, AfterValidator(filled)]
Folder = Annotated[str, AfterValidator(folder)]
Branch = Annotated[str, AfterValidator(branch)]
Remote = Annotated[str, AfterValidator(remote)]
Refs = Annotated[str, AfterValidator(refs)]
Person = Annotated[str, AfterValidator(person)]
Host = Annotated[str, AfterValidator(host)]
Absolute = Annotated[str, AfterValidator(absolute)]
Url = Annotated[str, AfterValidator(url)]
Name = Annotated[str, AfterValidator(name)]
Seconds = Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)]
SecondsOrNone = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Some = Annotated[int, Field(ge=1, le=1_000_000)]
SomeOrNone = Annotated[int, Field(ge=0, le=1_000_000)]
