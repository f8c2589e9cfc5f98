"""A backend that never ends being imported, with the GIL held."""

import ctypes

ctypes.PyDLL(None).sleep(3600)
