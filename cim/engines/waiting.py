"""How long an engine had nothing to do, or less than it can."""

import time
from dataclasses import dataclass, field


@dataclass
class Waiting:
    """Seconds since the first work. busy: with work; waited: without, while more was to come.

    Of an engine at several requests at once, each second counts by the share of them that it has. What passes behind
    the last work of all counts for nothing: it waits for no more.
    """

    busy: float = 0.0
    waited: float = 0.0
    _since: float | None = field(default=None, init=False)
    _free: float = field(default=1.0, init=False)  # the share without work since then
    _pending: float = field(default=0.0, init=False)  # waited, if more comes

    def room(self, free: float) -> None:
        """From now on the share `free` of the engine has nothing to do."""
        now = time.monotonic()
        if self._since is None:
            return
        self.busy += (now - self._since) * (1 - self._free)
        self._pending += (now - self._since) * self._free
        self._since, self._free = now, free

    def came(self, free: float) -> None:
        """As `room`, now that work has come."""
        self.room(free)
        self.waited += self._pending
        self._pending = 0.0
        if self._since is None:
            self._since, self._free = time.monotonic(), free

    def stop(self) -> None:
        """There is no more work, until some comes again."""
        self.room(1.0)
        self._since, self._pending = None, 0.0
