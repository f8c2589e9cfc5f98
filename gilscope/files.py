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
    target, mode = find_target(path)
    if mode is not None and not stat.S_ISREG(mode):
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
    target, mode = find_target(path)
    if mode is None or stat.S_ISREG(mode):
        if mode is not None:
            # What must not be written is not replaced either.
            os.close(os.open(target, os.O_WRONLY))
        make_beside(target).unlink()
    elif stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def find_target(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """Return what a path leads to, links followed, and its mode if it is there."""
    target = Path(os.path.realpath(path))
    try:
        mode = Path(path).stat().st_mode
        # What /dev/stdout leads to has no other name where that is a pipe.
        return target if stat.S_ISREG(mode) else Path(path), mode
    except FileNotFoundError:
        return target, None


def make_beside(target: Path) -> Path:
    """Make an empty file in the folder of another one."""
    fd, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    os.close(fd)
    return Path(name)
