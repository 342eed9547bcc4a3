"""Define the configuration that the host sends to the zygote, once, before anything hostile is near."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Config:
    """Configuration of the confinement of a lane or of a container.

    Attributes:
        rootless: Whether isolation is built inside user namespaces, for lack of privileges.
        subids: Whether the host may map further users into that namespace, one for each lane.
        import_paths: Folders put on `sys.path`.
        preload: Modules imported before the first fork.
        binds: Paths that exist read-only inside, at the same place.
        covers: Folders below `binds` that are hidden; paths of `binds` inside them stay visible.
        sockets: Sockets and the like below `binds`, which are hidden.
        links: Symbolic links of the root, path → target.
        memory: Bytes that the call may grow by.
        cpu_seconds: Whole seconds after which the kernel's own CPU limit ends the payload.
        processes: Processes beyond the first.
        threads: Threads beyond the first.
        open_files: Descriptors that may be open at once.
        disk: Bytes in `/tmp` and `/dev/shm` together.
        inodes: Files and folders in `/tmp` and `/dev/shm` together.
        result: Bytes that a result may have; a large one goes through a file.
        stack: Bytes of stack.
        keep: Whether a payload serves one call after another, of one version.
        landlock: The ABI version of the kernel's Landlock; 0 where there is none.
        audit: Whether calls on neither list of the seccomp filter are notified instead of refused.
        cgroup: Whether a cgroup counts tasks and memory; if not, rlimits must.
        without: Measures left out, by the names of `confine.MEASURES`: only the controls of security tests do that.
        contained: Whether it runs inside a container, which has made the outer isolation.
        uid: The user that payloads of a container become, unless they are it already; each lane gets one of its own.
        told: Whether the kernel can notify of forbidden calls; found out inside.
        strict: Whether, without notifications, calls that honest code tries end the run too.
        lenient: Whether, without notifications, forbidden calls fail instead of ending the run: for our own probes.
    """

    rootless: bool
    subids: bool
    import_paths: list[str]
    preload: list[str]
    binds: list[str]
    covers: list[str]
    links: dict[str, str]
    memory: int
    cpu_seconds: int
    processes: int
    threads: int
    open_files: int
    disk: int
    inodes: int
    result: int
    stack: int
    keep: bool
    landlock: int
    audit: bool
    cgroup: bool
    without: list[str]
    sockets: list[str] = dataclasses.field(default_factory=list)
    contained: bool = False
    uid: int = 0
    told: bool = True
    lenient: bool = False
    strict: bool = False

    @property
    def names_sockets(self) -> bool:
        """Whether the code may listen at Unix sockets: only its own processes can connect there.

        Where no cgroup counts, nothing bounds what waits in sockets that nobody has accepted.
        """
        return self.processes > 0 and (self.cgroup or self.contained)

    def to_json(self) -> bytes:
        """Encode the configuration as the JSON that the host sends."""
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Config":
        """Decode the JSON that the host sent."""
        return cls(**json.loads(data))
