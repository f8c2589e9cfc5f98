"""A contract of one's own, and two implementations of it.

Both compute the SHA-256 of bytes. hashlib releases the GIL for 2,048 bytes and more, so
only one of the two releases it. `python examples/digest.py` compares them.
"""

import hashlib
import random
from typing import ClassVar

import compare


def digest_at_once(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def digest_in_pieces(data: bytes) -> bytes:
    digest = hashlib.sha256()
    for start in range(0, len(data), 1_000):
        digest.update(data[start : start + 1_000])
    return digest.digest()


class Digest(compare.Contract):
    name = "digest"
    sizes = (1_000, 100_000, 1_000_000)
    cases: ClassVar = {"no bytes": (b"",), "a text": ("abc",)}

    def make_arguments(self, size: int, seed: int) -> tuple[bytes]:
        return (random.Random(seed).randbytes(size),)


if __name__ == "__main__":
    # Each implementation runs in a process of its own, which imports this file by name.
    report = compare.run_all(
        {"at once": "digest:digest_at_once", "in pieces": "digest:digest_in_pieces"},
        contract="digest:Digest",
        quick=True,
    )
    print(report)
