"""The tables of the journal, and what makes those of an older format into them."""

FORMAT = 3  # what _SCHEMA writes; 1 did not say when attempts ended, 2 not when they began

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT OR IGNORE INTO meta VALUES ('format', '3');
CREATE TABLE IF NOT EXISTS intents (number INTEGER PRIMARY KEY, oid TEXT UNIQUE, said TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, brief TEXT NOT NULL, said TEXT NOT NULL, reason TEXT,
    began REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS attempts_of ON attempts (brief);
CREATE TABLE IF NOT EXISTS spend (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, brief TEXT NOT NULL, said TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0, spec TEXT, began REAL NOT NULL DEFAULT 0,
    done REAL NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS spend_of ON spend (brief);
CREATE TABLE IF NOT EXISTS checks (number INTEGER PRIMARY KEY, key TEXT UNIQUE, said TEXT NOT NULL);
COMMIT;
"""
_FROM_1 = "ALTER TABLE spend ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;"
_FROM_2 = """
ALTER TABLE attempts ADD COLUMN began REAL NOT NULL DEFAULT 0;
ALTER TABLE spend ADD COLUMN spec TEXT;
ALTER TABLE spend ADD COLUMN began REAL NOT NULL DEFAULT 0;
ALTER TABLE spend ADD COLUMN done REAL NOT NULL DEFAULT 0;
ALTER TABLE spend ADD COLUMN reason TEXT NOT NULL DEFAULT '';
"""
_INTO_3 = "UPDATE meta SET value = '3' WHERE key = 'format';"
_UPGRADES = {1: _FROM_1 + _FROM_2 + _INTO_3, 2: _FROM_2 + _INTO_3}


def script(found: int) -> str:
    """Returns what brings a file of format `found` up to date; 0 is a new one. Once more, it changes nothing."""
    upgrade = _UPGRADES.get(found)
    return f"BEGIN IMMEDIATE;{upgrade}COMMIT;" if upgrade else _SCHEMA
