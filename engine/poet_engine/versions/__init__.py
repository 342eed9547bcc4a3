"""Versions of functions as files that people can read, review and commit (docs/store.md)."""

from poet_engine.versions.audit import AuditReport
from poet_engine.versions.files import StoreError
from poet_engine.versions.location import folder_name, locate, module_name
from poet_engine.versions.read_through import read_through, serving
from poet_engine.versions.records import Metadata, StoredVersion, TrialSummary
from poet_engine.versions.store import FunctionStore, VersionStore

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
