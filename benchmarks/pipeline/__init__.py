"""What a whole run takes, stage by stage, and what it yields."""
