"""Build the extension; all else is in pyproject.toml."""

import sys
from pathlib import Path

from Cython import __version__ as cython_version
from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCE = "src/double_list.pyx"

# A debug build would make the comparison a lie, whatever CFLAGS says.
FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-Wall", "-Wextra"]

native = Extension(
    "cython_backend._native",
    [SOURCE],
    extra_compile_args=FLAGS,
    define_macros=[("GILSCOPE_CYTHON_VERSION", f'"{cython_version}"')],
)

if __name__ == "__main__":
    # Paths are relative to this file, from wherever the build is started.
    assert Path(SOURCE).exists()
    setup(ext_modules=cythonize([native], build_dir="build/cython"))
