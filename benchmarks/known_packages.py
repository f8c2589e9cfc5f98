"""Calls of packages from PyPI whose behaviour is known, for `known_callables.py`.

`known_packages.toml` has for each verdict the calls of which it is right, with what is
run once before. The verdicts come from the packages' sources.
`python benchmarks/known_packages.py` holds them against an independent count: a
preloaded library counts the signals on the GIL's condition variable, which CPython
gives whenever a thread releases the GIL.

A package that is not installed is left out; `uv sync --group known` installs them.
"""

import ast
import ctypes
import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).with_name("known_packages.toml")
SOURCE = Path(__file__).with_name("gil_signals.c")

# What the setups share: the same bytes and texts every time.
COMMON = """
import random
draw = random.Random(1)
noise = draw.randbytes(1_000_000)
raw = draw.randbytes(300_000) + b"abcdefgh" * 90_000
small = raw[:1000]
rows = [{"name": f"item {i}", "value": i, "tags": [str(i), "x"]} for i in range(5_000)]
words = [f"word{i * 7919 % 10_007}" for i in range(3_000)]
text = " ".join(words)
"""


class KnownCall(NamedTuple):
    """A call of a package and the verdict on it that is right."""

    verdict: str
    package: str
    call: str
    setup: str
    # Where its source has another way for builds without a GIL.
    without_gil: str | None = None

    @property
    def name(self) -> str:
        """What the reader knows it by."""
        return f"{self.package}: {self.call}"

    def bind(self) -> Callable[[], object]:
        """Run the setup and return the call without arguments.

        Raises:
            ImportError: the package is not installed.
        """
        names: dict[str, Any] = {}
        exec(COMMON + self.setup, names)  # noqa: S102 - our own table.
        node = ast.parse(self.call, mode="eval").body
        assert isinstance(node, ast.Call)

        def read(part: ast.expr) -> Any:
            return eval(ast.unparse(part), names)  # noqa: S307 - our own table.

        keywords = {one.arg: read(one.value) for one in node.keywords if one.arg}
        return functools.partial(read(node.func), *map(read, node.args), **keywords)


def make_known() -> Iterator[tuple[KnownCall, Callable[[], object]]]:
    """Yield the calls of the packages that are installed."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    for known in (KnownCall(key, *row) for key, rows in table.items() for row in rows):
        try:
            yield known, known.bind()
        except (ImportError, OSError):
            # It is not installed, or a library that it loads is not.
            continue


# --- The independent count ------------------------------------------------------------


def count_signals() -> int:
    """Print for each call how often it signalled that the GIL is free."""
    library = ctypes.PyDLL(os.environ["LD_PRELOAD"])
    library.count_signals.restype = ctypes.c_long
    library.count_signals.argtypes = [ctypes.c_void_p]
    library.select_address.restype = ctypes.c_void_p
    # The condition variable of the GIL is one that each of these signals once.
    addresses = [library.select_address(i) for i in range(library.count_addresses())]
    before = [library.count_signals(address) for address in addresses]
    for _ in range(7):
        time.sleep(0)
    gil = next(
        address
        for address, n in zip(addresses, before, strict=True)
        if library.count_signals(address) == n + 7
    )
    n_other = 0
    for known, call in make_known():
        call()
        counts = []
        for _ in range(5):
            start = library.count_signals(gil)
            call()
            counts.append(library.count_signals(gil) - start)
        n_released = sum(count > 0 for count in counts)
        said = known.verdict in ("releases", "varies")
        is_as_said = (
            n_released == 5 if known.verdict == "releases" else said == bool(n_released)
        )
        n_other += not is_as_said
        mark = "" if is_as_said else "  <- not as the table says"
        sys.stdout.write(f"{known.verdict:<11} {counts!s:<28} {known.name}{mark}\n")
    return 1 if n_other else 0


def main() -> int:
    """Build the library and run the count in a process that has it preloaded."""
    if "GILSCOPE_COUNT_SIGNALS" in os.environ:
        return count_signals()
    compiler = shutil.which("cc")
    if (
        sys.platform != "linux"
        or compiler is None
        or sysconfig.get_config_var("Py_GIL_DISABLED")
    ):
        sys.stderr.write("expected Linux, a C compiler and a build with a GIL\n")
        return 3
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/gil_signals.so"
        build = [compiler, "-O2", "-shared", "-fPIC", str(SOURCE), "-o", library]
        subprocess.run([*build, "-ldl"], check=True)
        told = {"LD_PRELOAD": library, "GILSCOPE_COUNT_SIGNALS": "1"}
        command = [sys.executable, __file__]
        return subprocess.run(command, env=os.environ | told, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
