"""How often each client may come: a token bucket, held as one number.

Instead of tokens, the time is kept at which a client's bucket will be full again (the generic cell rate algorithm of
ATM networks): one number says as much, and one that has passed says nothing, so it can be forgotten.
"""

import math
from collections import OrderedDict


class RateLimit:
    """So many requests a second of each client, after a burst."""

    def __init__(self, rate: float, burst: int, clients: int) -> None:
        self._cost = 1 / rate
        self._slack = burst / rate
        self._clients = clients
        self._full: OrderedDict[str, float] = OrderedDict()  # client -> when its bucket is full again

    def wait(self, client: str, now: float) -> int:
        """Take a token; 0 if there was one, else whole seconds until there is.

        Args:
            client: who asks.
            now: seconds of a clock that never goes back.
        """
        full = max(self._full.get(client, now), now) + self._cost
        # A sum of many costs may end a hair above the slack that it equals, and the last of a burst is not late.
        late = full - now - self._slack * (1 + 1e-9)
        if late > 0:
            return math.ceil(late)
        self._full[client] = full
        self._full.move_to_end(client)
        if len(self._full) > self._clients:
            self._full.popitem(last=False)
        return 0

    def __len__(self) -> int:
        return len(self._full)
