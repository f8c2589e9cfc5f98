"""A file is written whole or not at all, wherever it is and whatever it is."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gilscope.files import check_writable, write_file


def test_the_new_text_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("x" * 100_000)
    path.chmod(0o640)
    write_file(path, "new ä \ud800")
    assert path.read_text(encoding="utf-8") == "new ä \\ud800"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [*tmp_path.iterdir()] == [path]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("is_dangling", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, is_dangling: bool) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to("target")
    if not is_dangling:
        target.write_text("old")
    check_writable(link)
    assert link.is_symlink()
    assert target.exists() != is_dangling
    write_file(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_the_old_file_stays_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A full disk, and Ctrl-C: nothing half is left beside it either."""

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "report.json"
    path.write_text("old")
    monkeypatch.setattr(os, name, fail)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_the_old_file_stays_where_the_disk_is_full(tmp_path: Path) -> None:
    """The limit of the size of files does what a full disk does."""
    code = (
        "import resource, signal, sys\n"
        "from gilscope.files import write_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: write_file(sys.argv[1], 'x' * 5000)\n"
        "except OSError as error: print(error.strerror)\n"
    )
    path = tmp_path / "report.json"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "File too large\n"
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("no/such/folder/x", FileNotFoundError),
        ("folder", IsADirectoryError),
        ("loop", OSError),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, expected: type[OSError], check: bool
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(expected):
        check_writable(tmp_path / name) if check else write_file(tmp_path / name, "x")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_must_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        check_writable(path)


def test_a_pipe_is_written_to_if_somebody_reads_it(tmp_path: Path) -> None:
    """One that nobody reads would wait for ever: it is refused."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    check_writable(path)
    with pytest.raises(OSError, match="No such device or address"):
        write_file(path, "text")
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(path.read_text()))
    reader.start()
    while not found:
        try:
            write_file(path, "x" * 200_000)
        except OSError:
            continue
        break
    reader.join()
    assert found == ["x" * 200_000]
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd")
@pytest.mark.parametrize("is_link", [True, False])
def test_a_file_that_is_open_already_is_written_to_as_it_is(
    tmp_path: Path, is_link: bool
) -> None:
    """As by /dev/stdout: what was there stays, and what follows comes after."""
    path = tmp_path / "log"
    with path.open("w") as file:
        name = f"/dev/fd/{file.fileno()}"
        if is_link:
            (tmp_path / "link").symlink_to(name)
            name = str(tmp_path / "link")
        print("before", file=file, flush=True)
        check_writable(name)
        write_file(name, "text\n")
        print("after", file=file)
    assert path.read_text() == "before\ntext\nafter\n"
    with path.open() as file, pytest.raises(OSError, match="Bad file descriptor"):
        check_writable(f"/dev/fd/{file.fileno()}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_is_written_to_and_stays() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_file("/dev/full", "x")
    write_file("/dev/null", "x")
    assert Path("/dev/null").is_char_device()
