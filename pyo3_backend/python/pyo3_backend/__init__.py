"""The contract in Rust through PyO3."""

from pyo3_backend._native import VALUE_MAX, VALUE_MIN, build_info, double_list

__all__ = ["VALUE_MAX", "VALUE_MIN", "build_info", "double_list"]
