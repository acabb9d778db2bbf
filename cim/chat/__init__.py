"""Chat servers: one client for all that speaks OpenAI's protocol."""
