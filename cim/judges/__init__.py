"""Text models that answer short questions, local or behind a server, and what they have answered."""
