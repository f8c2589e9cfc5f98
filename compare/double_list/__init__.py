"""The built-in contract: its cases and what no table of calls can show."""
