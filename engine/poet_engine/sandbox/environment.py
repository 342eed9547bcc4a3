"""Define the environment variables of the guest's interpreter, the same in every sandbox."""

from collections.abc import Mapping
from types import MappingProxyType

# An allow-list, set at exec: what is cleared later stays readable in /proc/self/environ.
GUEST: Mapping[str, str] = MappingProxyType(
    {
        "HOME": "/tmp",  # noqa: S108 - inside the sandbox
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": "",
        "TZ": "UTC",
    }
)
