"""The versions of functions, as files that people can read, review and commit (docs/store.md)."""

from poet_engine.store.audit import AuditReport
from poet_engine.store.files import StoreError
from poet_engine.store.location import folder_name, locate, module_name
from poet_engine.store.read_through import read_through, serving
from poet_engine.store.records import Metadata, StoredVersion, TrialSummary
from poet_engine.store.store import FunctionStore, VersionStore

__all__ = [
    "AuditReport",
    "FunctionStore",
    "Metadata",
    "StoreError",
    "StoredVersion",
    "TrialSummary",
    "VersionStore",
    "folder_name",
    "locate",
    "module_name",
    "read_through",
    "serving",
]
