"""Orchestration only: each step is a Prefect flow that maps a task over shards."""

import os
import sys

# Defaults, also without make; each is its library's own documented switch, and one that is set already wins.
# Telemetry off. More patience with Prefect's own server than its 20 s: a busy machine, packages on a network's disk.
# OpenMP threads that wait asleep: on a shared machine, spinning ones slow torch tenfold.
for _switch, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}.items():
    os.environ.setdefault(_switch, _value)

# Prefect reads its settings when it is first imported, which comes before any command has begun. flows.status does
# without it: two of its seconds.
try:
    if "flows.status" not in sys.orig_argv:
        import prefect.context  # noqa: F401
except (ValueError, RuntimeError, OSError) as _error:  # RuntimeError: no home folder, as in containers without a user
    _found = "; ".join(line.strip() for line in str(_error).splitlines() if "errors.pydantic.dev" not in line)
    sys.exit(
        f"found settings that Prefect can't read: {_found}; expected valid ones. Remedy: mend the variable named"
        " (PREFECT_...), the profile or prefect.toml; where no home folder is found, set HOME to a folder of yours"
    )
