"""What each reward term does to the default: alone and with CIM."""
