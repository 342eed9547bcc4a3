"""Define the fixed-size messages between a container's first process and its host, and the largest sizes.

This module is apart from the process itself, because the host reads it on systems that lack what that process needs.
"""

import struct

# CPU microseconds, bytes of memory at the most (-1: not counted), tasks taken by the OOM killer, tasks refused, and
# tasks at once at the most (-1: not counted)
COUNTS = struct.Struct(">QqIIi")
# wait status, processes that were left over, whether the folders are empty again; then the counts
ENDED = struct.Struct(">iI?")
PREPARED = struct.Struct(">q")  # bytes charged to the container, or not counted
PIECE = struct.Struct(">QQ")  # offset and length of an attachment

LARGEST_ORDER = 1 << 20
# Bytes of a source that is compiled ahead: as much as a socket takes at once, whatever its buffer is.
LONGEST_AHEAD = 1 << 16
