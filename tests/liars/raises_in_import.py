"""A backend that raises while it is imported."""

message = "out of cheese"
raise RuntimeError(message)
