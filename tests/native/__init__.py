"""Native calls of known behaviour, compiled when a test asks for them."""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).with_name("calls.c")
KERNEL = Path(__file__).with_name("kernel.cpp")


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


def load_kernel() -> ctypes.CDLL | None:
    """Load the kernel in C++, compiled if that was not done; None without a compiler.

    A call of one of its functions releases the GIL.
    """
    target = KERNEL.parent / "build" / "kernel.so"
    if not target.exists() or target.stat().st_mtime < KERNEL.stat().st_mtime:
        compiler = shutil.which("c++") or shutil.which("g++")
        if compiler is None:
            return None
        target.parent.mkdir(exist_ok=True)
        # Several processes may do so at the same time.
        made = target.with_suffix(f".{os.getpid()}.so")
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(KERNEL), "-o", str(made)], check=True)
        made.replace(target)
    return ctypes.CDLL(str(target))


def load_calls(file: Path) -> ModuleType:
    """Import the compiled module."""
    spec = importlib.util.spec_from_file_location("calls", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
