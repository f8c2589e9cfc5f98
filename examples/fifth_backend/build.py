"""Compile the backend in place, without installing it: `python build.py`."""

import importlib.machinery
import shlex
import subprocess
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = ["-O3", "-fPIC", "-Wall", "-Wextra", "-Werror"]

if __name__ == "__main__":
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    target = HERE / f"_capi{importlib.machinery.EXTENSION_SUFFIXES[0]}"
    include = f"-I{sysconfig.get_path('include')}"
    source = str(HERE / "capi_backend.c")
    subprocess.run([*linker, *FLAGS, include, source, "-o", str(target)], check=True)
