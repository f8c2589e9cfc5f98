"""How a callable is judged."""
