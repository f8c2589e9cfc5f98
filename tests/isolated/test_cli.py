"""The command through its entry point: what goes where, and every exit status."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gilscope.render.results  # noqa: F401 - as check() does, which one test replaces.
from compare import Report
from gilscope import cli
from gilscope.cli.ends import SIGPIPE
from gilscope.environment import read_version
from tests.processes import find_children, wait_for_end

ROOT = Path(__file__).parents[2]

# A backend and a scenario that take as little time as there is.
FAST = ("--backend", "python", "--scenario", "handoff", "--quick")
CORRECTNESS = ("--scenario", "correctness", "--quick")


def run(*arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own and wait for it."""
    return subprocess.run(
        make_command(*arguments),
        cwd=cwd,
        env=make_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def make_command(*arguments: str) -> list[str]:
    """Return what the installed command runs."""
    code = "import sys; from gilscope.command import main; sys.exit(main())"
    return [sys.executable, "-c", code, *arguments]


def make_environment() -> dict[str, str]:
    """Return an environment in which the project is found from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_entry_point_is_the_one_tested() -> None:
    """The installed command calls gilscope.command:main."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert content["project"]["scripts"] == {"gilscope": "gilscope.command:main"}


# --- 0: all well ----------------------------------------------------------------------


def test_run_prints_the_report_and_nothing_else() -> None:
    """The table is on standard output, the progress on standard error."""
    done = run("run", "--backend", "python", *CORRECTNESS)
    assert done.returncode == 0
    assert re.search(r"^python +ok +\d+/\d+$", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout + done.stderr
    steps = done.stderr.splitlines()
    assert steps[:2] == ["python: loading", "python: correctness"]
    assert re.fullmatch(r"python: ok after \d+\.\d s", steps[2])
    assert len(steps) == 3


def test_json_on_standard_output_is_alone() -> None:
    """With --json - what is printed is the report as JSON, no more."""
    done = run("run", *FAST, "--json", "-")
    assert done.returncode == 0
    assert Report.from_json(done.stdout)["python"].status == "ok"


def test_json_goes_into_a_file_beside_the_table(tmp_path: Path) -> None:
    """With --json FILE there are both; a file that is there is replaced."""
    path = tmp_path / "report.json"
    path.write_text("x" * 100_000)
    done = run("run", *FAST, "--json", str(path))
    assert done.returncode == 0
    assert "python" in done.stdout
    assert Report.from_json(path).ok


def test_list_names_all_backends() -> None:
    """One line each, with the technology, and what is missing."""
    done = run("list")
    assert done.returncode == 0
    words = [line.split()[0] for line in done.stdout.splitlines() if line[0] != " "]
    assert words[:4] == ["python", "cython", "cffi", "pyo3"]
    assert done.stderr == ""


def test_demo_prints_the_lecture_twice() -> None:
    """Both partners' transcripts, with the lecture's lines and both results."""
    done = run("demo", "python", "--quick")
    assert done.returncode == 0
    assert done.stdout.count("Py: Enter double_list_py...") == 2
    assert done.stdout.count("pure Python: Enter double_list...") == 2
    assert done.stdout.count("Py: [2, 4, 6]") == 2
    assert done.stdout.count("pure Python: [2, 4, 6]") == 2
    assert "The partner sleeps longer than the GIL is released:" in done.stdout


def test_a_bare_command_prints_the_help() -> None:
    """All commands with the question that each answers; no module of theirs is read."""
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"    {name} " in done.stdout for name in cli.COMMANDS)
    code = (
        "import sys; from gilscope.cli import main; main([]);"
        "assert not {'compare', 'backends', 'rich', 'shtab'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("shell", cli.SHELLS)
def test_a_shell_can_complete_it(shell, capfd) -> None:
    """The script has every command and the options of each."""
    assert cli.main(["--print-completion", shell]) == cli.OK
    out, err = capfd.readouterr()
    assert err == ""
    assert all(name in out for name in (*cli.COMMANDS, "scenario", "setup"))


def test_version() -> None:
    """The version is that of the distribution."""
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"gilscope {read_version()}\n")


def test_modules_of_the_current_folder_can_be_named(tmp_path: Path) -> None:
    """As with python -m, a user's own module need not be installed."""
    (tmp_path / "mine.py").write_text("from backends.reference import double_list\n")
    done = run("run", "--backend", "mine:double_list", *FAST[2:], cwd=tmp_path)
    assert done.returncode == 0
    assert "mine:double_list" in done.stdout


# --- 1: something is wrong ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status"), [("raises", "failed"), ("returns_answer", "wrong")]
)
def test_a_faulty_backend_is_status_1(name: str, status: str) -> None:
    """The report is printed all the same, with the reason."""
    done = run("run", "--backend", f"tests.faulty_backends:{name}", *CORRECTNESS)
    assert done.returncode == 1
    assert status in done.stdout
    assert done.stdout.startswith(f"tests.faulty_backends:{name} ")
    assert "Traceback" not in done.stdout + done.stderr


def test_demo_of_a_backend_that_fails_is_status_1() -> None:
    """There is no transcript, but one clear line."""
    done = run("demo", "tests.faulty_backends:raises", "--quick")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith(
        "gilscope: tests.faulty_backends:raises: failed: handoff raised ValueError"
    )


def test_demo_of_a_backend_without_a_trace_is_status_1() -> None:
    """What is known is printed, with the failure, and no event that was not seen."""
    done = run("demo", "tests.faulty_backends:never_traces", "--quick")
    assert done.returncode == 1
    assert "Py: Exit..." in done.stdout
    assert "Enter double_list..." not in done.stdout
    assert "wrong: 1.9 trace: expected one entry, got 0" in done.stdout


# --- 2: usage -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("run", "--backend", "pyhton"),
            "unknown backend 'pyhton': expected one of python, cython, cffi, pyo3",
        ),
        (("chek", "pass"), "unknown command 'chek': expected one of "),
        (("run", "--scenario", "nope"), "unknown scenario 'nope': expected one of "),
        (
            ("run", "--json", "/no/such/folder/x"),
            "cannot write /no/such/folder/x: No such file or directory",
        ),
        (("run", "--json", "/"), "cannot write /: Is a directory"),
        (
            ("run", *FAST, "--json", "one", "--html", "one"),
            "--html: expected a file of its own, got that of --json",
        ),
        (("demo", "pyhton"), "unknown backend 'pyhton': expected one of "),
        (("check", "1 +"), "in the statement, '1 +': SyntaxError: "),
        (
            ("check", "nope()"),
            "in the statement, 'nope()': NameError: name 'nope' is not defined; -s ",
        ),
        (
            ("check", "pass", "--json", "/no/such/folder/x"),
            "cannot write /no/such/folder/x: No such file or directory",
        ),
    ],
)
def test_bad_input_is_one_line(arguments, line, capfd) -> None:
    """Nothing runs, nothing is printed but one line that says what was wrong."""
    assert cli.main(arguments) == cli.USAGE
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"gilscope: {line}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "near"),
    [("chek", "gilscope check"), ("rn", "gilscope run"), ("zzz", "gilscope --help")],
)
def test_a_misspelt_command_is_answered_with_the_near_one(word, near, capsys) -> None:
    """Exit status 2, and a command that can be copied."""
    assert cli.main([word]) == cli.USAGE
    assert capsys.readouterr().err.endswith(f": {near}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "nope"),
        ("run", "--timeout", "0"),
        ("run", "--timeout", "-1"),
        ("run", "--timeout", "inf"),
        ("run", "--timeout", "nan"),
        ("run", "--timeout", "soon"),
        ("run", "--threads", "0"),
        ("run", "--threads", "1,x"),
        # More than any clock waits for.
        ("check", "--timeout", "1e308", "pass"),
        ("check", "--json", "", "pass"),
        ("diff", "", "b.json"),
        ("gather", ""),
        ("check",),
    ],
)
def test_a_bad_command_line_is_one_line(arguments, capfd) -> None:
    """It names the command, and where its arguments are explained."""
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == cli.USAGE
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"gilscope {arguments[0]}: ")
    assert err.endswith(f"gilscope {arguments[0]} --help\n")
    assert err.count("\n") == 1


def test_a_full_disk_is_one_line() -> None:
    """What goes wrong while writing is told like what goes wrong before."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done = run("run", *FAST, "--json", "/dev/full")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "gilscope: cannot write /dev/full: No space left on device"
    )


# --- Signals --------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_command(number: signal.Signals) -> None:
    """Ctrl-C, a polite end and a kill each take the hanging worker along."""
    arguments = ("--backend", "tests.faulty_backends:hangs_held", *FAST[2:])
    command = subprocess.Popen(
        make_command("run", *arguments),
        cwd=ROOT,
        env=make_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Once it hangs, its scenario has been told.
    while "handoff" not in command.stderr.readline():
        assert command.poll() is None
    (worker,) = find_children(command.pid)
    command.send_signal(number)
    _, told = command.communicate(timeout=240)
    assert command.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in told
    wait_for_end(worker)


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """`gilscope list | head -0` ends without a traceback."""
    command = subprocess.Popen(
        make_command("list"),
        cwd=ROOT,
        env=make_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command.stdout.close()
    told = command.stderr.read()
    command.stderr.close()
    assert command.wait(timeout=240) == 128 + SIGPIPE
    assert told == ""
