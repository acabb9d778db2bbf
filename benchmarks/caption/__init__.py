"""How fast the captioner describes images: batches, preparation ahead, the whole stage, memory of decoding."""
