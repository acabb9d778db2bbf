"""Where the helpers of this folder find those of the readers' tests, which the malformed inputs are made with."""

import sys
from pathlib import Path

_READERS = next(Path(__file__).parents[1].rglob("corpus_files.py")).parent
if str(_READERS) not in sys.path:  # pytest puts it there only when it collects that folder, too
    sys.path.append(str(_READERS))
