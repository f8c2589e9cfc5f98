"""gilscope imports: what an import does to the GIL, and what can release it."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from gilscope.cli import main
from gilscope.imports import inspect_import, read_extension, select_binding

ROOT = Path(__file__).parents[2]
has_elf = pytest.mark.skipif(sys.platform != "linux", reason="its files are not ELF")


@has_elf
@pytest.mark.parametrize(
    ("module", "extension", "can_release"),
    [("zlib", "zlib", True), ("json", "_json", False), ("hashlib", "_hashlib", True)],
)
def test_modules_of_the_standard_library_are_told_apart(module, extension, can_release):
    found = {one.name: one.can_release for one in inspect_import(module).extensions}
    if extension not in found:
        pytest.skip(f"{extension} is part of this interpreter")
    assert found[extension] is can_release


@has_elf
@pytest.mark.parametrize(
    ("module", "binding"),
    [
        ("cython_backend._native", "Cython"),
        ("cffi_backend._double_list", "cffi"),
        ("pyo3_backend._native", "PyO3"),
    ],
)
def test_the_binding_of_each_backend_is_found(module, binding):
    pytest.importorskip(module, reason="it is not built")
    found = {one.name: one for one in inspect_import(module).extensions}
    assert found[module].binding == binding
    assert found[module].can_release


@pytest.mark.parametrize(
    ("content", "binding"),
    [
        (b"...nb_internals_v15...pybind11_", "nanobind"),
        (b"..pybind11_builtins..", "pybind11"),
        (b"../registry/src/pyo3-0.29.0/src/err.rs", "PyO3"),
        (b"..PyArg_ParseTuple..", "C API"),
    ],
)
def test_a_mark_names_the_binding(content, binding):
    assert select_binding(content) == binding


def test_a_file_of_another_format_is_not_guessed_at(tmp_path):
    path = tmp_path / "module.so"
    path.write_bytes(b"MZ neither ELF nor Mach-O")
    assert read_extension("module", str(path)).can_release is None


def test_a_module_that_fails_is_reported_with_its_error(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("raise ValueError('bad \\ud800')\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = inspect_import("broken_module")
    assert found.error == "ValueError: bad \\ud800"
    assert found.extensions == ()


def test_a_module_that_ends_the_interpreter_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "ending_module.py").write_text("import os; os._exit(7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="exit status 7"):
        inspect_import("ending_module")


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.closerange(3, 100)",
        "import builtins, os; builtins.open = os._exit = os.getpid = None",
        "import os\nif not os.fork(): raise ValueError\nos.wait()",
        # It has the standard streams for longer than the import takes.
        "import subprocess; subprocess.Popen(['sleep', '70'])",
    ],
)
def test_whatever_a_module_does_to_its_process_the_answer_comes(
    source, tmp_path, monkeypatch
):
    (tmp_path / "odd_module.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert inspect_import("odd_module", timeout_s=60).error == ""


def test_what_an_import_did_shows_itself():
    program = (
        "from gilscope.imports import inspect_import\n"
        "found = inspect_import('_json')\n"
        "print(found)\n"
        "assert '<table' in found._repr_html_()\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", program),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("_json: ")


def test_a_module_that_never_ends_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text("import time; time.sleep(60)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TimeoutError):
        inspect_import("slow_module", timeout_s=0.5)


def test_a_user_module_of_a_standard_name_harms_nothing(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    assert inspect_import("fractions").error == ""


@pytest.mark.parametrize("name", ["", "a b", "x;y", "..", "-c"])
def test_what_is_no_name_of_a_module_is_refused(name):
    with pytest.raises(ValueError, match="expected a module's name"):
        inspect_import(name)


def test_the_gil_is_turned_on_only_in_a_free_threaded_build():
    found = inspect_import("json")
    is_free_threaded = "t" in sys.abiflags
    assert found.free_threaded_build is is_free_threaded
    assert found.gil_enabled_by is None


def test_the_command_names_each_module_and_its_status(capsys):
    assert main(["imports", "json", "no_such_module"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("json: ")
    assert "\n\nno_such_module: " in out
    assert "ModuleNotFoundError" in out
    assert main(["imports", "not a name"]) == 2


def test_the_command_finds_a_module_of_the_current_folder(
    tmp_path, monkeypatch, capsys
):
    """As `gilscope check` does; it comes after all others, so it shadows none."""
    (tmp_path / "of_this_folder.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    assert main(["imports", "of_this_folder"]) == 0
    assert capsys.readouterr().out.startswith("of_this_folder: ")


def test_an_import_that_turns_the_gil_on_ends_with_status_1(monkeypatch, capsys):
    found = inspect_import(math.__name__)
    enabled = type(found)("m", True, "m._core", found.extensions)
    monkeypatch.setattr("gilscope.cli.imports.inspect_import", lambda _: enabled)
    assert main(["imports", "m"]) == 1
    assert str(enabled) in capsys.readouterr().out
