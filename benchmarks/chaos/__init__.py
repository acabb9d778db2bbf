"""Re-captioning killed with -9 at random moments: is anything lost, doubled or different?"""
