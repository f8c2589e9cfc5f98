"""Files that are written whole or not at all."""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

NEW_FILE_MODE = 0o666


def write_file(path: str | os.PathLike[str], text: str) -> None:
    """Write a text to a file, in UTF-8.

    What was there before stays until all of the new text is on the disk, and for good
    where that fails. A link is followed. A device, or a pipe that somebody reads, is
    written to as it is.

    Raises:
        OSError: the file cannot be written; the old one is as it was.
    """
    content = text.encode("utf-8", "backslashreplace")
    target = find_target(path)
    mode = read_mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        write_special(target, content)
        return
    temporary = make_beside(target)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(make_new_mode() if mode is None else stat.S_IMODE(mode))
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
    target = find_target(path)
    mode = read_mode(target)
    if mode is None or stat.S_ISREG(mode):
        if mode is not None:
            # What must not be written is not replaced either.
            os.close(os.open(target, os.O_WRONLY))
        make_beside(target).unlink()
    elif stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def find_target(path: str | os.PathLike[str]) -> Path:
    """Return what a path leads to, links followed, whether it is there or not."""
    return Path(os.path.realpath(path))


def read_mode(path: Path) -> int | None:
    """Return kind and permissions of a file, None if there is none."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def make_new_mode() -> int:
    """Return the permissions that a new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    return NEW_FILE_MODE & ~mask


def make_beside(target: Path) -> Path:
    """Make an empty file in the folder of another one."""
    fd, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    os.close(fd)
    return Path(name)


def write_special(path: Path, content: bytes) -> None:
    """Write to a device or a pipe; a pipe that nobody reads is refused."""
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(fd, True)
    with open(fd, "wb") as file:  # noqa: PTH123 - it is a descriptor.
        file.write(content)
