"""What is known of each language that captions may be in; nobody else knows a word of any."""
