"""Compile the implementations that need it, in place: `python build.py [NAME]...`.

Nothing is installed. Names are cython, cffi and pyo3; all of them by default.
"""

import importlib.machinery
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
# The answers are compared to the last bit: no multiplication is fused with an addition.
FLAGS = ["-O3", "-ffp-contract=off", "-fPIC"]


def compile_c(module: str, *sources: Path) -> None:
    """Compile C sources to an extension module."""
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    include = sysconfig.get_path("include")
    command = [*linker, *FLAGS, f"-I{include}", f"-I{HERE}", *map(str, sources)]
    subprocess.run([*command, "-o", str(HERE / (module + SUFFIX))], check=True)


def build_cython() -> None:
    """Translate and compile mandelbrot_cython.pyx."""
    from Cython.Build.Cythonize import main

    source = HERE / "mandelbrot_cython.pyx"
    main([str(source), "-q"])
    compile_c("mandelbrot_cython", source.with_suffix(".c"))


def build_cffi() -> None:
    """Write and compile the glue around mandelbrot.c."""
    from cffi import FFI

    builder = FFI()
    builder.cdef((HERE / "mandelbrot.h").read_text())
    builder.set_source("_mandelbrot_cffi", '#include "mandelbrot.h"')
    glue = HERE / "_mandelbrot_cffi.c"
    builder.emit_c_code(str(glue))
    compile_c("_mandelbrot_cffi", glue, HERE / "mandelbrot.c")


def build_pyo3() -> None:
    """Compile the crate, and put its library where Python finds it."""
    crate = HERE / "mandelbrot_pyo3"
    cargo = ["cargo", "build", "--release", "--quiet"]
    subprocess.run(cargo, cwd=crate, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", crate / "target"))
    built = [*(target / "release").glob("libmandelbrot_pyo3.*")]
    library = next(path for path in built if path.suffix in (".so", ".dylib"))
    shutil.copy(library, HERE / f"mandelbrot_pyo3{SUFFIX}")


BUILDERS = {"cython": build_cython, "cffi": build_cffi, "pyo3": build_pyo3}

if __name__ == "__main__":
    for name in sys.argv[1:] or BUILDERS:
        BUILDERS[name]()
