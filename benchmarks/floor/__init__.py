"""The floor: a hand-written C extension of the bare path, built on demand."""

import importlib.util
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("floor.c")
ROOT = Path(__file__).parents[2]


class FloorNotBuiltError(ImportError):
    """The floor cannot be built here."""


def load_floor() -> Any:
    """Return the module of the floor, compiled where its source is newer.

    Raises:
        FloorNotBuiltError: there is no C compiler, or it failed.
    """
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    target = ROOT / "build" / "floor" / f"_floor{suffix}"
    if not target.exists() or target.stat().st_mtime < SOURCE.stat().st_mtime:
        build(target)
    spec = importlib.util.spec_from_file_location("_floor", target)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(target: Path) -> None:
    """Compile the floor as an extension module of this Python."""
    # What this Python's own extensions were linked with, such as "gcc -shared".
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    if not shutil.which(linker[0]):
        linker[0] = next(filter(shutil.which, ("cc", "gcc", "clang")), "")
    if not linker[0]:
        message = "the floor is not built: install a C compiler (gcc or clang)"
        raise FloorNotBuiltError(message)
    include = sysconfig.get_path("include")
    flags = ["-O3", "-fno-vect-cost-model", "-falign-loops=64", "-fPIC"]
    flags += ["-Wall", "-Wextra", "-Werror", f"-I{include}"]
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*linker, *flags, str(SOURCE), "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"the floor is not built: {done.stderr.strip()}"
        raise FloorNotBuiltError(message)
