"""The event journal: one SQLite file that several processes may write at once."""

from poet_engine.journal.database import JournalError
from poet_engine.journal.journal import Journal, OfModule
from poet_engine.journal.writer import Statistics

__all__ = ["Journal", "JournalError", "OfModule", "Statistics"]
