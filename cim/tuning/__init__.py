"""The base captioner tuned by GRPO with the CIM reward."""
