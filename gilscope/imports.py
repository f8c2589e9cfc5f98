"""What the import of a module does to the GIL, and which of its modules can release it.

Each module is imported in an interpreter of its own, so that neither its crash nor what
it does to the process concerns the caller. An extension module that never imports
`PyEval_SaveThread` cannot release the GIL by itself. That it imports the symbol says
little: every module made with PyO3, pybind11 or nanobind does.

Source:
    docs/how-to/check-your-imports.md; CPython, "Thread State and the Global Interpreter
    Lock"; ELF, section `.dynsym`; Mach-O, `LC_SYMTAB`.
"""

import ast
import importlib.machinery
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gilscope.model import ExtensionModule, ModuleImport

IMPORT_TIMEOUT_S = 60.0
SUFFIXES = tuple(importlib.machinery.EXTENSION_SUFFIXES)

# Py_BEGIN_ALLOW_THREADS is PyEval_SaveThread(). The others release as well.
RELEASING_SYMBOLS = frozenset(
    {"PyEval_SaveThread", "PyEval_ReleaseThread", "PyThreadState_Swap"}
)

MACH_O_MAGICS = {
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xbe\xba\xfe\xca",
}

# What each binding technology leaves in a file. The first that is found counts: some of
# the later marks also stand in modules of the earlier ones.
BINDING_MARKS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("PyO3", (b"pyo3_runtime.PanicException", b"pyo3-")),
    ("nanobind", (b"nanobind::", b"nb_internals")),
    ("pybind11", (b"pybind11_", b"__pybind11")),
    ("mypyc", (b"mypyc_", b"CPyStatics")),
    ("Cython", (b"__pyx_", b"_cython_")),
    ("cffi", (b"_cffi_backend", b"_cffi_")),
    ("SWIG", (b"swig_runtime_data", b"SwigPyObject")),
    ("f2py", (b"f2py", b"F2PyCapsule")),
)

# What the other interpreter runs. It wraps the loader of extension modules before
# anything else is imported, and asks after each of them whether the GIL is on. The
# module may close all files, replace functions or fork.
PROGRAM = """
import importlib, importlib.machinery, os, sys, warnings
target, path, sys.path[:] = sys.argv[1], sys.argv[2], sys.argv[3:]
own, get_pid, open_file, leave = os.getpid(), os.getpid, open, os._exit
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
if get_pid() == own:
    with open_file(path, "w", encoding="utf-8") as answer:
        answer.write(repr(("t" in sys.abiflags, enablers[:1], files, error)))
# Threads and exit handlers of the module may keep an interpreter from ending.
leave(0)
"""


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
    # What was found shows itself.
    import gilscope.render.results  # noqa: F401, PLC0415 - a check does without it.

    if not module or not all(part.isidentifier() for part in module.split(".")):
        message = f"inspect_import() module: expected a module's name, got {module!r}"
        raise ValueError(message)
    # The GIL is to be on or off as the import leaves it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHON_GIL"}
    with (
        tempfile.NamedTemporaryFile(encoding="utf-8", mode="r") as answer,
        tempfile.TemporaryFile() as errors,
    ):
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, and a module's name.
                [sys.executable, "-c", PROGRAM, module, answer.name, *sys.path],
                stdin=subprocess.DEVNULL,
                # Not a pipe: what the module starts may have it for longer.
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"import of {module}: expected an end within {timeout_s:g} s"
            raise TimeoutError(message) from error
        text = answer.read()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    if not text:
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


def read_extension(name: str, file: str) -> ExtensionModule:
    """Read one object file."""
    path = Path(file)
    with path.open("rb") as stream:
        if not path.stat().st_size:
            return ExtensionModule(name, file, "C API", None)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            binding, magic = select_binding(content), content[:4]
    if magic == b"\x7fELF":
        symbols = read_elf_imports(path)
    elif magic in MACH_O_MAGICS:
        symbols = read_mach_o_imports(path)
    else:
        return ExtensionModule(name, file, binding, None)
    can_release = not RELEASING_SYMBOLS.isdisjoint(symbols)
    return ExtensionModule(name, file, binding, can_release)


def select_binding(content: bytes | mmap.mmap) -> str:
    """Return the technology whose mark stands in an object file."""
    for binding, marks in BINDING_MARKS:
        if any(content.find(mark) >= 0 for mark in marks):
            return binding
    return "C API"


def read_elf_imports(path: Path) -> Iterator[str]:
    """Yield the undefined names of the dynamic symbol table."""
    # Imported here because a check that needs no hint does without it.
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415
    from elftools.elf.sections import SymbolTableSection  # noqa: PLC0415

    with path.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".dynsym")
        if not isinstance(section, SymbolTableSection):
            return
        for symbol in section.iter_symbols():
            if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name:
                yield symbol.name


def read_mach_o_imports(path: Path) -> Iterator[str]:
    """Yield the undefined names of the symbol tables of all architectures."""
    from macholib.MachO import MachO  # noqa: PLC0415
    from macholib.SymbolTable import SymbolTable  # noqa: PLC0415

    binary = MachO(str(path))
    for header in binary.headers:
        for _, name in SymbolTable(binary, header=header).undefsyms or ():
            yield name.decode(errors="replace").removeprefix("_")
