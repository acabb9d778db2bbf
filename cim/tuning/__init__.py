"""Teaching the captioner: a supervised warm start, then GRPO with the CIM reward."""
