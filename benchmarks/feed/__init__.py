"""How long an engine waits for pictures."""
