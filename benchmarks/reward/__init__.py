"""How fast captions are scored, and what the reward pays for."""
