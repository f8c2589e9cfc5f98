"""Results in, text, HTML or trace out; nothing here prints."""
