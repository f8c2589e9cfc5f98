"""Build the extension; all else is in pyproject.toml and build_ffi.py."""

from setuptools import setup

setup(cffi_modules=["build_ffi.py:ffibuilder"])
