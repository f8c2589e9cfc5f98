"""Native calls of known behaviour, compiled when a test asks for them."""

import importlib.util
import shutil
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).with_name("calls.c")


def build_calls(folder: Path) -> Path:
    """Compile the module into a folder and return the file; skip without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    include = sysconfig.get_path("include")
    if compiler is None or not Path(include, "Python.h").exists():
        pytest.skip("there is no C compiler, or no Python.h")
    target = folder / f"calls{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
    command = [compiler, *flags, f"-I{include}", str(SOURCE), "-o", str(target)]
    subprocess.run(command, check=True)
    return target


def load_calls(file: Path) -> ModuleType:
    """Import the compiled module."""
    spec = importlib.util.spec_from_file_location("calls", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
