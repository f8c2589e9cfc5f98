"""Say to cffi what the C library declares and how it is compiled."""

import re
from pathlib import Path

from cffi import FFI

SOURCE = Path(__file__).parent / "src"

# A debug build would make the comparison a lie, whatever CFLAGS says.
FLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra"]
# By gcc's estimate two items at a time do not pay on plain x86-64; measured, they do.
# A loop this short takes half as long again where it straddles 64 bytes of code.
FLAGS += ["-fno-vect-cost-model", "-falign-loops=64"]
# Two blocks in one turn of the loop, as rustc does by itself.
FLAGS += ["-funroll-loops", "--param=max-unroll-times=2"]

ffibuilder = FFI()
# The parser knows declarations and comments but no preprocessor.
header = (SOURCE / "double_list.h").read_text()
ffibuilder.cdef(re.sub(r"^#.*\n", "", header, flags=re.MULTILINE))
ffibuilder.set_source(
    "cffi_backend._double_list",
    '#include "double_list.h"',
    sources=["src/double_list.c"],
    depends=["src/double_list.h", "build_ffi.py"],
    include_dirs=["src"],
    extra_compile_args=FLAGS,
)
