"""Orchestration only: each step is a Prefect flow that maps a task over shards."""

import os

# Telemetry off by default, also without make; each is its library's own documented switch.
for _switch, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
}.items():
    os.environ.setdefault(_switch, _value)
