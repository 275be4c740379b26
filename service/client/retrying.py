"""How often, and after which pause, a request is sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from service.client.errors import ClientError, TimedOut, TooMany, Unavailable, Unreachable


@dataclass(frozen=True, slots=True)
class Retrying:
    """times: how often at most after the first try; 0 for never. first, longest: seconds. A pause is drawn evenly from nothing
    to `first` doubled with each try, so that clients that were refused together do not come back together (Brooker 2015,
    *Exponential Backoff and Jitter*, "full jitter"). What the service asks to wait comes on top; beyond `patience` seconds of
    that its refusal is raised instead.
    """

    times: int = 3
    first: float = 0.25
    longest: float = 8.0
    patience: float = 30.0

    def pause(self, tries: int, error: ClientError, *, costly: bool = False) -> float | None:
        """Seconds to wait after the `tries`-th try, from 1, ended with this error; None when it is to be raised. costly: the
        request is not to be worked on twice; it is sent again only where it cannot have arrived.
        """
        if tries > self.times or isinstance(error, TimedOut):
            return None
        drawn = random.uniform(0, min(self.longest, self.first * 2 ** (tries - 1)))  # noqa: S311 - no secret
        if isinstance(error, TooMany | Unavailable):
            return None if error.retry_after > self.patience else error.retry_after + drawn
        return drawn if isinstance(error, Unreachable) and not (costly and error.sent) else None
