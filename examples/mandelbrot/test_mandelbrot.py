"""The conformance suite of the contract: one test a case and implementation."""

from compare_all import list_implementations
from contract import CONTRACT

import compare


class TestMandelbrotRow(compare.ContractTests):
    """Run it with `pytest examples/mandelbrot`."""

    contract = CONTRACT
    implementations = list_implementations()
