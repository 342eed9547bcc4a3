"""Build, list and choose the images of the Docker sandbox."""

from poet_engine.images.build import ImageBuilder
from poet_engine.images.client import ImageClient
from poet_engine.images.guest_files import guest_digest
from poet_engine.images.recipe import RECIPES, Image, choose, find, modules_needed, to_prune, why_stale

__all__ = [
    "RECIPES",
    "Image",
    "ImageBuilder",
    "ImageClient",
    "choose",
    "find",
    "guest_digest",
    "modules_needed",
    "to_prune",
    "why_stale",
]
