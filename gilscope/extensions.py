"""What the object file of an extension module says about the GIL.

An extension module that never imports `PyEval_SaveThread` cannot release the GIL by
itself. That it imports the symbol says little: every module made with PyO3, pybind11 or
nanobind does.

Source:
    docs/how-to/check-your-imports.md; CPython, "Thread State and the Global Interpreter
    Lock"; ELF, section `.dynsym`; Mach-O, `LC_SYMTAB`.
"""

import importlib.machinery
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class ExtensionModule:
    """One extension module, as its object file describes it.

    Attributes:
        name: the name of the module.
        file: the path of its object file.
        binding: the technology it was made with; "C API" where no mark of another one
            was found.
        can_release: whether it imports a function that releases the GIL; None where
            the format of the file is not known.
    """

    name: str
    file: str
    binding: str
    can_release: bool | None


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
