"""What the import of a module does to the GIL, and which of its modules can release it.

Each module is imported in an interpreter of its own, so that neither its crash nor what
it does to the process concerns the caller.
"""

import ast
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from gilscope.extensions import ExtensionModule, read_extension
from gilscope.record import Record

IMPORT_TIMEOUT_S = 60.0

# What the other interpreter runs. It wraps the loader of extension modules before
# anything else is imported, and asks after each of them whether the GIL is on.
PROGRAM = """
import importlib, importlib.machinery, os, sys, warnings
target, answer_fd, sys.path[:] = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)
files, enablers, error = {}, [], ""

def watch(load):
    def watched(self, argument):
        was_enabled = has_gil()
        try:
            return load(self, argument)
        finally:
            files.setdefault(self.name, self.path)
            if has_gil() and not was_enabled:
                enablers.append(self.name)
    return watched

loader = importlib.machinery.ExtensionFileLoader
loader.create_module = watch(loader.create_module)
loader.exec_module = watch(loader.exec_module)
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module(target)
except BaseException as raised:
    error = f"{type(raised).__name__}: {raised}"
    error = error.encode("utf-8", "backslashreplace").decode()
with open(answer_fd, "w", encoding="utf-8") as answer:
    answer.write(repr(("t" in sys.abiflags, enablers[:1], files, error)))
# Threads and exit handlers of the module may keep an interpreter from ending.
os._exit(0)
"""


@dataclass(frozen=True)
class ModuleImport(Record):
    """What one import did.

    Attributes:
        module: the name that was imported.
        free_threaded_build: whether the interpreter can run without the GIL.
        gil_enabled_by: the extension module whose import turned the GIL on; None where
            none did, and always in a build with a GIL.
        extensions: the extension modules that the import loaded, in that order.
        error: why the import failed, or "".
    """

    module: str
    free_threaded_build: bool
    gil_enabled_by: str | None
    extensions: tuple[ExtensionModule, ...] = ()
    error: str = ""

    @property
    def cannot_release(self) -> tuple[ExtensionModule, ...]:
        """The extension modules that cannot release the GIL by themselves."""
        return tuple(one for one in self.extensions if one.can_release is False)


def inspect_import(module: str, *, timeout_s: float = IMPORT_TIMEOUT_S) -> ModuleImport:
    """Import a module in an interpreter of its own and tell what that did to the GIL.

    Args:
        module: its full name.
        timeout_s: how long the import may take, in seconds.

    Raises:
        ValueError: `module` is no name of a module.
        TimeoutError: the import took longer.
        RuntimeError: the interpreter ended during the import.

    Source:
        PEP 703, "Py_mod_gil Slot"; the check is the one of `importlib`'s own loader.
    """
    if not module or not all(part.isidentifier() for part in module.split(".")):
        message = f"inspect_import() module: expected a module's name, got {module!r}"
        raise ValueError(message)
    # The GIL is to be on or off as the import leaves it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHON_GIL"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, and a module's name.
                [
                    sys.executable,
                    "-c",
                    PROGRAM,
                    module,
                    str(answer.fileno()),
                    *sys.path,
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment,
                pass_fds=(answer.fileno(),),
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"import of {module}: expected an end within {timeout_s:g} s"
            raise TimeoutError(message) from error
        answer.seek(0)
        text = answer.read()
    if not text:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        message = (
            f"import of {module}: the interpreter ended with exit status "
            f"{done.returncode}{': ' + lines[-1] if lines else ''}"
        )
        raise RuntimeError(message)
    is_free_threaded, enablers, files, failure = ast.literal_eval(text)
    own = is_standard(module)
    return ModuleImport(
        module=module,
        free_threaded_build=is_free_threaded,
        gil_enabled_by=enablers[0] if enablers else None,
        extensions=tuple(
            read_extension(name, file)
            for name, file in files.items()
            if own or not is_standard(name)
        ),
        error=failure,
    )


def is_standard(module: str) -> bool:
    """Return whether a module is part of the standard library."""
    return module.partition(".")[0] in sys.stdlib_module_names
