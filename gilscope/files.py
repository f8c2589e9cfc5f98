"""Files that are written whole or not at all."""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

NEW_FILE_MODE = 0o666
# More links are a loop.
LINKS_MAX = 40


def write_file(path: str | os.PathLike[str], text: str) -> None:
    """Write a text to a file, in UTF-8.

    What was there before stays until all of the new text is on the disk, and for good
    where that fails. A link is followed. A device, a pipe that somebody reads, and what
    this process has open, by a name such as /dev/stdout, are written to as they are.

    Raises:
        OSError: the file cannot be written; the old one is as it was.
    """
    content = text.encode("utf-8", "backslashreplace")
    own = find_descriptor(path)
    target, mode = find_target(path)
    if own is not None or (mode is not None and not stat.S_ISREG(mode)):
        if own is not None:
            fd = os.dup(own)
        else:
            # A pipe that nobody reads is refused.
            fd = os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            os.set_blocking(fd, True)
        with open(fd, "wb") as file:  # noqa: PTH123 - it is a descriptor.
            file.write(content)
        return
    if mode is None:
        mask = os.umask(0)
        os.umask(mask)
        mode = NEW_FILE_MODE & ~mask
    temporary = make_beside(target)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out whether write_file() can write there, and leave no trace of that.

    Raises:
        OSError: it cannot.
    """
    own = find_descriptor(path)
    target, mode = find_target(path)
    if own is not None:
        os.write(own, b"")
    elif mode is None or stat.S_ISREG(mode):
        if mode is not None:
            # A file that must not be written is not replaced either.
            os.close(os.open(target, os.O_WRONLY))
        make_beside(target).unlink()
    elif stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def find_descriptor(path: str | os.PathLike[str]) -> int | None:
    """Return which descriptor of this process a path leads to, such as /dev/stdout."""
    name = os.fspath(path)
    for _ in range(LINKS_MAX):
        folder, last = os.path.split(name)
        folder = os.path.realpath(folder)
        name = os.path.join(folder, last)  # noqa: PTH118 - ".." stays behind a link.
        if last.isdecimal() and folder == os.path.realpath("/dev/fd"):
            return int(last)
        if not os.path.islink(name):  # noqa: PTH114 - as above.
            return None
        name = os.path.join(folder, os.readlink(name))  # noqa: PTH115, PTH118
    return None


def find_target(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """Return what a path leads to, links followed, and its mode if it is there."""
    target = Path(os.path.realpath(path))
    try:
        return target, target.stat().st_mode
    except FileNotFoundError:
        return target, None


def make_beside(target: Path) -> Path:
    """Make an empty file in the folder of another one."""
    fd, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    os.close(fd)
    return Path(name)
