"""What every rank runs: `python -m cim.tuning.worker JOB.json`, started by `accelerate launch`."""

import sys
from pathlib import Path

from pydantic import TypeAdapter

from cim.atomic import write_json
from cim.errors import CimError
from cim.tuning.job import TuneJob
from cim.tuning.orphans import end_with_parent
from cim.tuning.ranks import join


def main(arguments: list[str]) -> int:
    """Train in this rank. arguments: the file of a TuneJob. What a user can mend goes to `job.error`, and code 1."""
    end_with_parent()
    job = TypeAdapter(TuneJob).validate_json(Path(arguments[0]).read_bytes())
    import torch

    torch.set_num_threads(job.torch_threads)
    join(job.device)
    from cim.tuning.run import open_reward, train

    try:
        train(job, *open_reward(job))
    except CimError as error:
        write_json(job.error, {"found": error.found, "expected": error.expected, "remedy": error.remedy})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
