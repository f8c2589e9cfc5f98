"""How the results of the instrument are shown."""
