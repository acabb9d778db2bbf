"""What a run computes in, settled once and where it will be computed: the machine that starts it may have no GPU."""

from cim.captioners.load import Precision, precision_of
from cim.params import CaptionParams, Runtime
from flows.shards import map_shards
from tasks.caption import precision_task


def resolve_precision(caption: CaptionParams, runtime: Runtime) -> Precision | None:
    """What caption.precision means for this run, on whatever machine its shards are captioned; None: a server's."""
    if caption.engine == "endpoint":
        return None
    asked = caption.precision, caption.engine, runtime.device
    if runtime.task_runner == "threads" or (caption.precision, runtime.device) != ("auto", "auto"):
        return precision_of(*asked)
    (found,) = map_shards(precision_task, [asked], runtime, "asking a worker for its device", workers=1)
    return found
