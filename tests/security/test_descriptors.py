"""The names of a payload's own descriptors lead to what it has open already, and to nothing else."""

import errno
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere

_TRY = "try: return {deed}\nexcept OSError as error: return error.errno"
# The deed, and what the kernel may answer.
REFUSED: dict[str, tuple[str, set[int | None]]] = {
    "read its own output": ("open('/dev/stdout', 'rb', 0).read(1)", {errno.EACCES}),
    "read its own errors": ("os.open('/dev/fd/2', os.O_RDWR)", {errno.EACCES}),
    "connect to the socket of its request": ("os.open('/dev/fd/3', os.O_RDWR)", {errno.ENXIO, errno.EACCES}),
    "make one": ("os.open('/dev/fd/99', os.O_CREAT | os.O_RDWR)", {errno.ENOENT, errno.EACCES, errno.EPERM}),
    "move one": ("os.rename('/dev/fd/0', '/tmp/moved')", {errno.EXDEV, errno.EROFS, errno.EPERM, errno.EACCES}),
    "take one away": ("os.unlink('/dev/fd/0')", {errno.EPERM, errno.EROFS, errno.EACCES}),
    "make the names its own": ("os.unlink('/dev/stdout')", {errno.EROFS, errno.EACCES}),
    "make a device's content its own": ("os.truncate('/dev/fd', 0)", {errno.EISDIR, errno.EACCES, errno.EROFS}),
    "change the folder's times": ("os.utime('/dev/fd')", {errno.EROFS, errno.EPERM, errno.EACCES, None}),  # its own
    "change the folder's mode": ("os.chmod('/dev/fd', 0o777)", {errno.EROFS, errno.EPERM, errno.EACCES}),
}


@pytest.mark.parametrize(("deed", "answers"), REFUSED.values(), ids=REFUSED)
def test_nothing_can_be_done_to_them(everywhere: "Everywhere", deed: str, answers: set[int | None]) -> None:
    assert everywhere(_TRY.format(deed=deed)).value in answers


def test_a_library_that_is_open_cannot_be_written_to(everywhere: "Everywhere") -> None:
    """Opening it anew asks for the permission anew."""
    body = "file = open(os.__file__)\n" + _TRY.format(deed="os.open(f'/dev/fd/{file.fileno()}', os.O_RDWR)")
    assert everywhere(body).value in (errno.EROFS, errno.EACCES)


# Where containers have a /proc of their own, a lane has none: only these names, on a mount of their own.
ABOVE = ("/dev/fd/../status", "/dev/fd/../../self", "/dev/fd/../mem", "/dev/fd/../1")
COVERED = ("/dev/shm/self", "/dev/shm/1")  # noqa: S108 - where the lane has it
NOT_THERE = ("/proc", "/proc/self", "/proc/1", "/proc/self/mem", "/proc/version", "/dev/fd/../../proc")


@pytest.mark.parametrize("path", [*ABOVE, *COVERED, *NOT_THERE])
def test_what_they_come_from_is_not_there(everywhere: "Everywhere", path: str) -> None:
    """No other file of /proc, neither the payload's own nor another's."""
    if everywhere("return os.path.exists('/proc/self')").value is True and path not in COVERED:
        pytest.skip("a container has a /proc of its own; see test_docker.py")
    assert everywhere("return os.path.lexists(args[0])", path).value is False


def test_the_folder_is_the_payloads_alone(everywhere: "Everywhere") -> None:
    """A child does not reach through it what its parent has opened since."""
    body = """
asks, asked = os.pipe()
tells, told = os.pipe()
if os.fork() == 0:
    os.read(asks, 1)
    try: found = open('/dev/fd/50').read()
    except OSError as error: found = 'refused'
    os.write(told, found.encode())
    os._exit(0)
with open('/tmp/secret', 'w+') as file:
    file.write('secret'); file.flush(); file.seek(0)
    os.dup2(file.fileno(), 50)
assert open('/dev/fd/50').read() == 'secret'
os.write(asked, b'!')
os.wait()
return os.read(tells, 10).decode()
"""
    assert everywhere(body, processes="1").value == "refused"
