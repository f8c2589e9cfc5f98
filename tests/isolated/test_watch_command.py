"""`gilscope watch`: the program runs as under `python`, and its holds are shown."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from operator import itemgetter
from pathlib import Path

import pytest

import gilscope
from tests.looks import look_until, try_limits
from tests.processes import wait_for_end
from tests.unit.test_watch import FORBID

pytestmark = pytest.mark.usefixtures("needs_watch")
ROOT = Path(__file__).parent.parent.parent
HOLD = "str(list(range(4_000_000)))"


def start(*words, **options):
    return subprocess.Popen(
        (sys.executable, *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **options,
    )


def run(*words, **options):
    process = start(*words, **options)
    output, errors = process.communicate(timeout=240)
    return process.returncode, output, errors


def watch(*words, **options):
    return run("-m", "gilscope", "watch", *words, **options)


STATE = """
import atexit, os, signal, sys, threading
def show():
    print(sys.argv, __name__, __file__, __spec__ and __spec__.name, sys.path)
    print(os.environ.get("PYTHONPATH"), "GILSCOPE_WATCH" in os.environ)
    print("sitecustomize" in sys.modules, threading.enumerate(), sys.flags)
    print([signal.getsignal(number) for number in range(1, 32)])
    print(sys.stdin.read(), sys.gettrace(), sys.getprofile(), sys.getswitchinterval())
    print(sys.excepthook is sys.__excepthook__, sys.meta_path, sys.warnoptions)
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("no children")
atexit.register(print, "last words")
show()
"""
SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
run = getattr(interpreters, "exec", None) or interpreters.run_string
run(interpreters.create(), "import sys; print(sys.path, sys.modules.get('json'))")
"""
ENDINGS = {
    "status": "sys.exit(5)",
    "text": "sys.exit('a text')",
    "error": "def f():\n    raise ValueError('mine')\nf()",
    "quick end": "sys.stdout.flush(); os._exit(6)",
    "signal": "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGTERM)",
    "interrupt": "os.kill(os.getpid(), signal.SIGINT)",
    # CPython 3.12 and newer warn of a fork beside threads.
    "child": "import warnings; warnings.simplefilter('ignore'); sys.stdout.flush()\n"
    "if not os.fork(): sys.exit(9)\nos.wait()",
    "exec": "sys.stdout.flush(); os.execv('/bin/echo', ['echo', 'replaced'])",
    "subinterpreter": SUBINTERPRETER,
}


@pytest.mark.parametrize(
    ("form", "ending"),
    [*(("script", ending) for ending in ENDINGS), ("module", "error")],
)
def test_a_program_runs_as_under_python(ending, form, tmp_path):
    (tmp_path / "program.py").write_text(STATE + ENDINGS[ending])
    words = ["program.py"] if form == "script" else ["-m", "program"]
    words += ["--json", "-m", "x"]
    expected = run(*words, cwd=tmp_path, stdin=subprocess.DEVNULL)
    status, output, errors = watch(*words, cwd=tmp_path, stdin=subprocess.DEVNULL)
    output = re.sub(r"(\d+ holds|nothing was seen)(?s:.*)", "", output)
    hide = re.compile(r"0x[0-9a-f]+|\d{9,}")
    assert hide.sub("", output) == hide.sub("", expected[1])
    assert errors == expected[2]
    assert status == expected[0]


def test_files_that_the_command_was_given_are_the_programs(tmp_path):
    (tmp_path / "given").write_text("a text")
    with (tmp_path / "given").open() as file:
        number = file.fileno()
        (tmp_path / "program.py").write_text(f"print(open({number}).read())")
        _, output, _ = watch("program.py", cwd=tmp_path, pass_fds=(number,))
    assert output.startswith("a text\n")


DAEMON = """
import os, time
if not os.fork():
    os.closerange(0, 3)
    time.sleep(70)
"""


def test_a_daemon_that_the_program_leaves_behind_is_not_waited_for(tmp_path):
    (tmp_path / "program.py").write_text(DAEMON)
    launch = (
        "import gilscope.watcher.launch as launch, gilscope.cli\n"
        "launch.SAMPLER_END_S = 1000\n"
        "gilscope.cli.main(['watch', 'program.py'])\n"
    )
    # In less time than the daemon takes.
    assert run("-W", "ignore", "-c", launch, cwd=tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("computes", "expected"),
    [
        ("while time.process_time() < 1: pass", "not watched: 1 Python process that"),
        ("pass", ""),
    ],
)
def test_processes_that_compute_and_are_not_watched_are_counted(
    computes, expected, tmp_path
):
    (tmp_path / "program.py").write_text(
        "import subprocess, sys\n"
        f"run = 'import sys, time\\n{computes}\\nsys.stdin.read()'\n"
        "with subprocess.Popen([sys.executable, '-c', run], stdin=-1) as child:\n"
        "    print('begun', flush=True); input()\n"
    )

    def look(seconds):
        process = start(
            *("-m", "gilscope", "watch", "program.py"),
            cwd=tmp_path,
            stdin=subprocess.PIPE,
        )
        process.stdout.readline()
        time.sleep(seconds)
        _, errors = process.communicate("\n", timeout=240)
        return expected in errors and bool(errors) == bool(expected), errors

    found, errors = try_limits(itemgetter(0), look)
    assert found, errors


def test_the_programs_own_sitecustomize_is_imported(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.mine = 7")
    (tmp_path / "program.py").write_text("print(mine, sys.path) if 0 else print(mine)")
    process = subprocess.run(
        (sys.executable, "-m", "gilscope", "watch", "program.py"),
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert process.stdout.startswith("7\n")


def test_holds_are_written_and_shown(tmp_path):
    program = tmp_path / "<b>program.py"
    program.write_text(f"def hold():\n    return {HOLD}\nhold()\n")
    json_file, page = tmp_path / "holds.json", tmp_path / "holds.html"
    files = ("--json", str(json_file), "--html", str(page))

    def look():
        status, output, _ = watch(*files, str(program), cwd=tmp_path)
        report = gilscope.WatchReport.from_json(json_file.read_text())
        holds = [hold for hold in report.holds if hold.text.startswith("str(")]
        return status, output, [] if report.is_cut_short else holds

    # A sampler that has no core for long is not waited for.
    status, output, (hold,) = look_until(itemgetter(2), look)
    assert (hold.file, hold.line, hold.function) == (str(program), 2, "str")
    assert [frame.function for frame in hold.stack] == ["hold", "<module>"]
    assert hold.thread == "MainThread"
    assert status == 0
    # The folder's name leaves little room for the text.
    assert re.search(r"str\(\w", output)
    text = page.read_text()
    assert "<svg" in text
    assert "<b>program" not in text
    assert "&lt;b&gt;program.py" in text


def test_json_to_standard_output_is_alone(tmp_path):
    (tmp_path / "program.py").write_text("print('hello')")
    status, output, errors = watch("--json", "-", "program.py", cwd=tmp_path)
    assert json.loads(output)["over_s"] == 0.010
    assert (status, errors) == (0, "hello\n")


@pytest.mark.parametrize(("limit", "status"), [("1us", 1), ("100s", 4)])
def test_a_hold_over_the_limit_is_exit_status_1(limit, status, tmp_path):
    (tmp_path / "program.py").write_text(f"import sys; {HOLD}; sys.exit(4)")
    found = look_until(
        status.__eq__,
        lambda: watch("--fail-over", limit, "program.py", cwd=tmp_path)[0],
    )
    assert found == status


def test_the_threshold_is_kept(tmp_path):
    (tmp_path / "program.py").write_text(HOLD)
    _, output, _ = watch("--over", "100s", "--json", "-", "program.py", cwd=tmp_path)
    report = json.loads(output)
    assert (report["over_s"], report["n_holds"]) == (100, 0)


LOST = """
import ctypes, os
print(os.getpid(), flush=True)
# Nobody in the process can say anything any more.
ctypes.PyDLL(None).usleep(60_000_000)
"""


def test_a_hold_that_only_the_end_of_the_program_ended_is_reported(tmp_path):
    (tmp_path / "program.py").write_text(LOST)

    def look(seconds):
        process = start("-m", "gilscope", "watch", "program.py", cwd=tmp_path)
        child = int(process.stdout.readline())
        time.sleep(seconds / 4)
        os.kill(child, signal.SIGKILL)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == -signal.SIGKILL
        return "usleep(60_000_000)" in "".join(output.split())

    assert try_limits(bool, look)


def test_sigusr1_prints_what_was_seen_so_far(tmp_path):
    (tmp_path / "program.py").write_text(f"{HOLD}\nprint('held', flush=True)\ninput()")

    def look():
        process = start(
            *("-m", "gilscope", "watch", "program.py"),
            cwd=tmp_path,
            stdin=subprocess.PIPE,
        )
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGUSR1)
        line = process.stdout.readline()
        output, _ = process.communicate("\n", timeout=240)
        assert process.returncode == 0
        return [re.search(r"\d+ holds", text) for text in (line, output)]

    assert all(look_until(all, look))


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_command_reaches_the_program_once(number, send, tmp_path):
    (tmp_path / "program.py").write_text(
        "import signal, time\n"
        "told = []\n"
        f"signal.signal({number:d}, lambda *_: told.append(1))\n"
        "print('ready', flush=True)\n"
        "while not told: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "print('told', len(told), flush=True)\n"
    )
    words = ("-m", "gilscope", "watch", "program.py")
    process = start(*words, cwd=tmp_path, start_new_session=True)
    assert process.stdout.readline() == "ready\n"
    send(process.pid, number)
    output, _ = process.communicate(timeout=240)
    assert output.startswith("told 1\n")
    assert process.returncode == 0


def test_a_program_that_was_stopped_with_the_command_goes_on(tmp_path):
    (tmp_path / "program.py").write_text("input(print('ready', flush=True))")
    process = start(
        *("-m", "gilscope", "watch", "program.py"),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGSTOP)
    # Longer than the command waits for a signal at a time.
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGCONT)
    time.sleep(0.2)
    _, errors = process.communicate("\n", timeout=240)
    assert (process.returncode, errors) == (0, "")


def test_a_program_ends_with_the_command(tmp_path):
    (tmp_path / "program.py").write_text(
        "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    )
    process = start("-m", "gilscope", "watch", "program.py", cwd=tmp_path)
    pid = int(process.stdout.readline())
    process.kill()
    wait_for_end(pid)
    process.communicate()


def test_a_program_does_not_run_without_the_watch(tmp_path):
    (tmp_path / "program.py").write_text("print('ran')")
    words = ["gilscope", "watch", "program.py"]
    launch = (
        f"{FORBID}\nimport sys, gilscope.cli\nsys.exit(gilscope.cli.main({words[1:]}))"
    )
    status, output, errors = run("-c", launch, cwd=tmp_path)
    assert (status, output) == (3, "")
    assert len(errors.splitlines()) == 1
    assert "/proc/PID/mem" in errors


@pytest.mark.parametrize(
    "words", [(), ("--over", "10"), ("--over", "0ms", "x.py"), ("--nonsense", "x.py")]
)
def test_a_wrong_word_is_exit_status_2(words):
    assert watch(*words)[0] == 2


def test_a_script_that_is_not_there_is_told_in_a_line_and_has_no_report(tmp_path):
    status, output, errors = watch("nowhere.py", cwd=tmp_path)
    assert (status, output) == (run("nowhere.py", cwd=tmp_path)[0], "")
    assert errors == "gilscope: watch: no such script: 'nowhere.py'\n"


def test_a_module_that_is_not_there_is_told_by_python_alone(tmp_path):
    words = ("-m", "nowhere", "--json", "-")
    assert watch(*words, cwd=tmp_path) == run(*words, cwd=tmp_path)
    assert watch("--json", "-", *words[:2], cwd=tmp_path)[:2] == (1, "")


def test_the_handler_that_holds_is_named_as_in_the_documents(tmp_path):
    page = (ROOT / "docs/how-to/find-who-holds-the-gil.md").read_text("utf-8")
    server = (ROOT / "examples/stalling_server.py").read_text("utf-8")
    (tmp_path / "server.py").write_text(server)
    expected = 1 + server[: server.index("json.dumps(ROWS)")].count("\n")
    handlers = {"index", "wait", "count", "export"}

    def look():
        status, output, _ = watch("--json", "-", "server.py", cwd=tmp_path)
        assert status == 0
        holds = json.loads(output)["holds"]
        named = {
            (frame["function"], frame["line"])
            for hold in holds
            for frame in hold["stack"]
            if frame["file"] == str(tmp_path / "server.py")
        }
        assert {one for one in named if one[0] in handlers} <= {("export", expected)}
        return sum(hold["count"] for hold in holds)

    # Of twelve.
    assert look_until(lambda n_holds: n_holds >= 6, look) >= 6
    assert f"called from examples/stalling_server.py:{expected}" in " ".join(
        page.split()
    )
