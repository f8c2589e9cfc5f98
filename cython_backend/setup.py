"""Build the extension; all else is in pyproject.toml."""

import sysconfig
from pathlib import Path

from Cython import __version__ as cython_version
from Cython.Build import cythonize
from setuptools import Extension, setup

IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
SOURCE = "src/double_list.pyx"

# A debug build would make the comparison a lie, whatever CFLAGS says.
FLAGS = ["-O3", "-Wall", "-Wextra"]
# By gcc's estimate two items at a time do not pay on plain x86-64; measured, they do.
# A loop this short takes half as long again where it straddles 64 bytes of code.
FLAGS += ["-fno-vect-cost-model", "-falign-loops=64"]
# Two blocks in one turn of the loop, as rustc does by itself.
FLAGS += ["-funroll-loops", "--param=max-unroll-times=2"]

native = Extension(
    "cython_backend._native",
    [SOURCE],
    depends=["setup.py"],
    extra_compile_args=FLAGS,
    define_macros=[
        ("GILSCOPE_CYTHON_VERSION", f'"{cython_version}"'),
        ("GILSCOPE_FREE_THREADED", str(int(IS_FREE_THREADED))),
    ],
)

if __name__ == "__main__":
    # Paths are relative to this file, from wherever the build is started.
    assert Path(SOURCE).exists()
    setup(ext_modules=cythonize([native], build_dir="build/cython"))
