"""The version of this release: written once, and cheap to read, which the metadata of an installation are not."""

VERSION = "0.1.0"
