"""How fast and how evenly `embed` goes: against clip-retrieval, with an encoder of fixed latency, and its memory."""
