"""What a captioner still says of a picture that was spoilt, and what it invents."""
