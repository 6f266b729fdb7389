"""Judges what was asked: every request becomes a note, a reply that there is nothing to do, or waits."""

from .assessing import Assessment, assess
from .judging import Decision, Ignore, Later, Record, judge
from .looking import Look
from .telling import Told, folder_of, refreshed, reply_fields, reply_text

__all__ = [
    "Assessment",
    "Decision",
    "Ignore",
    "Later",
    "Look",
    "Record",
    "Told",
    "assess",
    "folder_of",
    "judge",
    "refreshed",
    "reply_fields",
    "reply_text",
]
