"""How the command ends: signals, pipes and files, whatever it is doing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compare import Report
from gilscope.cli.output import UNSURE
from tests.looks import look_until

ROOT = Path(__file__).parents[2]
FAST = ("run", "--quick", "--scenario", "handoff", "--backend", "python")
NAMES = ("compare", "backends", "gilscope", "random", "json", "statistics", "selectors")
COMMAND = "import sys; from gilscope.command import main; sys.exit(main())"
# The same, and tells when it begins to handle SIGINT: before that CPython does.
TELLING = (
    "import os, sys; from gilscope import command; set = command.signal;"
    "command.signal = lambda *a: (set(*a), os.write(2, b'set\\n'));"
    "sys.exit(command.main())"
)


def start(
    *arguments: str, cwd: Path = ROOT, code: str = COMMAND, **options: object
) -> "subprocess.Popen":
    """Start the command as the installed script does."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def check_left(folder: Path) -> None:
    """Check that in a moment no process has the folder's mark, and it has no file."""
    # The suite limits how long that may take.
    while find_left(f"ENDS_OF={folder}"):
        time.sleep(0.05)
    assert not [*folder.iterdir()]


def find_left(mark: str) -> list[str]:
    """Return the processes that have a word in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


# --- Signals --------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
)
def test_a_signal_leaves_nothing(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process, no folder, no traceback; the status is the signal's."""
    monkeypatch.setenv("ENDS_OF", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    report = ("--json", str(tmp_path / "r.json"))
    command = start(*FAST[:-1], "tests.faulty_backends:hangs_held", *report)
    while "handoff" not in command.stderr.readline():
        assert command.poll() is None
    command.send_signal(number)
    _, told = command.communicate(timeout=240)
    assert command.returncode == 128 + number
    assert "Traceback" not in told
    check_left(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
@pytest.mark.parametrize("command", ["check", "measure"])
def test_a_signal_is_no_error_of_the_statement_that_runs(
    command: str, number: signal.Signals
) -> None:
    """Though it ends the statement as `sys.exit()` would."""
    setup = "import os, time; os.write(2, b'now\\n')"
    with start(command, "-s", setup, "time.sleep(0.01)") as running:
        assert "now" in running.stderr.readline()
        running.send_signal(number)
        _, told = running.communicate(timeout=240)
    assert running.returncode == 128 + number
    assert "statement" not in told


def test_ctrl_c_before_a_watched_program_begins_is_quiet(tmp_path: Path) -> None:
    """While the interpreter imports what watches it."""
    act = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "json.py").write_text(act)
    done = subprocess.run(
        [sys.executable, ROOT / "gilscope" / "watcher" / "inject" / "sitecustomize.py"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "GILSCOPE_WATCH": "{}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def interrupt_after(seconds: float, number: signal.Signals) -> tuple[int, str]:
    """Return the status and the words of a command that got a signal so soon."""
    with start("run", "--quick", "--backend", "python", code=TELLING) as command:
        assert command.stderr.readline() == "set\n"
        time.sleep(seconds)
        command.send_signal(number)
        _, told = command.communicate(timeout=240)
    return command.returncode, told


@pytest.mark.parametrize("tenths", range(8))
def test_ctrl_c_is_130_from_the_imports_on(tenths: int) -> None:
    """Whatever is being imported, started or waited for."""
    status, told = interrupt_after(tenths / 10, signal.SIGINT)
    assert "Traceback" not in told
    assert status == 130


def test_ctrl_c_in_a_destructor_is_not_lost() -> None:
    """An exception in a destructor is ignored, so the interruption comes again."""
    code = (
        "import os, signal, time\n"
        "from gilscope.cli.ends import end_cleanly\n"
        "class Ending:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGINT); time.sleep(1)\n"
        "with end_cleanly():\n"
        "    ending = Ending()\n"
        "    del ending\n"
        "    time.sleep(30)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGINT
    assert "Exception ignored" not in done.stderr


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_kills_at_random_moments_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred of them, with every signal that ends a command."""
    monkeypatch.setenv("ENDS_OF", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    source = random.Random(7)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    for _ in range(100):
        number = source.choice(numbers)
        status, told = interrupt_after(source.random() * 3, number)
        assert "Traceback" not in told
        assert status in (0, 128 + number, -number)
        check_left(tmp_path)


# --- Pipes and files ------------------------------------------------------------------


def test_json_to_a_pipe_that_nobody_reads_is_quiet() -> None:
    command = start(*FAST, "--json", "-")
    command.stdout.close()
    told = command.stderr.read()
    command.stderr.close()
    assert command.wait(timeout=240) == 128 + signal.SIGPIPE
    assert "rror" not in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [("list",), (*FAST, "--json", "-")])
def test_a_full_standard_output_is_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = start(*arguments, stdout=full)
        _, told = command.communicate(timeout=240)
    assert command.returncode == 2
    assert told.splitlines()[-1] == (
        "gilscope: cannot write standard output: No space left on device"
    )
    assert "Traceback" not in told


def test_a_link_is_followed_and_a_pipe_without_a_reader_refused(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("nowhere.json")
    with start(*FAST, "--json", "link.json", cwd=tmp_path) as command:
        command.communicate(timeout=240)
    assert (tmp_path / "link.json").is_symlink()
    assert Report.from_json(tmp_path / "nowhere.json").ok
    os.mkfifo(tmp_path / "pipe")
    with start(*FAST, "--json", "pipe", cwd=tmp_path) as command:
        _, told = command.communicate(timeout=240)
    assert command.returncode == 2
    assert told.splitlines()[-1].startswith("gilscope: cannot write pipe: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("how", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_what_nobody_can_read_is_no_reason_to_fail(how: str, tmp_path: Path) -> None:
    """Standard files that are closed get no other file's number."""
    command = [sys.executable, "-P", "-c", COMMAND, *FAST]
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {how}', "sh", *command, "--json", tmp_path / "r.json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0
    assert Report.from_json(tmp_path / "r.json").ok


def test_a_pipe_is_written_to_by_the_name_that_it_has() -> None:
    with start(*FAST, "--html", "/dev/stdout") as command:
        written, _ = command.communicate(timeout=240)
    assert command.returncode == 0
    assert written.endswith("</html>\n")


def run_here(command: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the command as a line of a shell has it."""
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("GILSCOPE", f"{sys.executable} -m gilscope")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=240,
        check=False,
    )


def test_a_character_that_standard_output_has_not_is_no_reason_to_fail() -> None:
    """The text has it escaped; JSON is UTF-8 as it is in a file."""
    words = "check --budget 10ms --timeout 200s \"len('\u00e9')\""
    done = run_here(f"GILSCOPE {words}", PYTHONIOENCODING="ascii")
    assert done.stdout.startswith(b"len('\\xe9'): ")
    assert done.stderr == b""
    done = run_here(f"GILSCOPE {words} --json -", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.decode("utf-8"))["name"] == "len('\u00e9')"


def test_code_is_utf_8_whatever_the_locale() -> None:
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run_here("GILSCOPE check -s '\u00e4 = 0' '1 / \u00e4'", **ascii_alone)
    assert done.returncode == 2
    assert done.stderr.startswith(b"gilscope: in the statement, '1 / \\xe4': ZeroDivis")


@pytest.mark.parametrize("words", ["check 1/0", "measure 1/0", "compare 1 1/0"])
def test_a_folder_that_was_deleted_is_no_reason_to_fail(
    words: str, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    done = run_here(f"mkdir {folder}; cd {folder}; rmdir {folder}; GILSCOPE {words}")
    assert done.returncode == 2
    assert done.stderr.startswith(b"gilscope: in the statement, '1/0': ZeroDivision")


# --- A folder with a user's own modules -----------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose modules are named like ours and the standard library's."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise ImportError('the wrong one')\n")
    (tmp_path / "mine.py").write_text(
        "import time\n"
        "from backends import Backend\n"
        "from backends.reference import double_list\n"
        "backend = Backend('mine', double_list, releases_gil=False)\n"
    )
    (tmp_path / "alone.py").write_text("import time\ndef sleep(): time.sleep(0.002)\n")
    (tmp_path / "test_mine.py").write_text(
        "import time\ndef test_it(gil): gil.assert_releases(time.sleep, 0.002)\n"
    )
    return tmp_path


@pytest.mark.parametrize("how", ["script", "module"])
@pytest.mark.parametrize(
    "arguments",
    [
        FAST,
        (*FAST[:-1], "mine:backend"),
        (*FAST[:-3], "parallel", "--backend", "mine:backend"),
        ("check", "-s", "import alone", "alone.sleep()"),
        ("demo", "python", "--quick"),
    ],
)
def test_a_users_modules_take_no_place_of_ours(
    folder: Path, arguments: tuple[str, ...], how: str, tmp_path_factory
) -> None:
    """Nor do ours keep their own from being found."""
    script = tmp_path_factory.mktemp("bin") / "gilscope"
    script.write_text(COMMAND)
    if how == "module":
        (folder / "gilscope.py").unlink()

    def look() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                sys.executable,
                *([script] if how == "script" else ["-m", "gilscope"]),
                *arguments,
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = look_until(lambda done: done.returncode != UNSURE, look)
    assert "the wrong one" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("-P", "-m", "pytest"), ("-m", "pytest")])
def test_a_users_modules_take_no_place_in_a_test_run(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    """`python -m pytest` puts their folder first; Python's own names are not tried."""
    if "-P" not in arguments:
        for name in NAMES:
            if name in sys.stdlib_module_names:
                (folder / f"{name}.py").unlink()
        (folder / "gilscope.py").unlink()
    done = subprocess.run(
        [sys.executable, *arguments, "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the wrong one" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
