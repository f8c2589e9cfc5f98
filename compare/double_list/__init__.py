"""The built-in contract: its cases, and the property tests that no table can show."""
