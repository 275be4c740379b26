"""What can go wrong between a client and a service, a class for each thing that a caller may want to do about it."""

from __future__ import annotations

from indexer.errors import TrellisError
from service.types import Problem


class ClientError(TrellisError):
    """The service could not be asked, or did not answer what was asked."""


class Unreachable(ClientError):
    """Nobody listens there, or the connection broke. sent: whether the request may have arrived before it did."""

    def __init__(self, url: str, reason: object, sent: bool = False) -> None:
        self.sent = sent
        super().__init__(f"Nothing answers at {url}: {reason}. Is 'trellis serve' running there?")


class TimedOut(Unreachable):
    def __init__(self, url: str, seconds: float) -> None:
        self.sent = True
        ClientError.__init__(self, f"No answer from {url} within {seconds:g} seconds. Give it longer with 'timeout'.")


class NotTrellis(ClientError):
    """Something else answers at that address."""

    def __init__(self, url: str, found: str) -> None:
        super().__init__(
            f"What answers at {url} is not Trellis, or not the address of one: {found}. Give the address that 'trellis serve' "
            "prints, or that address followed by /p/NAME for a publication."
        )


class NotUnderstood(ClientError):
    """The answer has another shape than this version of the client knows."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"The answer of {url} does not fit this version of the client: {reason}.")


class StreamBroken(ClientError):
    """A conversation ended before its answer did. What came before holds, as far as it goes."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"The answer of {url} was cut short: {reason}.")


class Refused(ClientError):
    """The service says why it does not answer. retry_after: seconds after which the same request may do; 0 if it must change.
    request_id: by which the service's log knows the request.
    """

    def __init__(self, problem: Problem, retry_after: float = 0.0, request_id: str = "") -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.status = problem.status
        self.retry_after = retry_after
        self.request_id = request_id


class BadRequest(Refused):
    """400, 413, 415: the request has to change."""


class KeyNeeded(Refused):
    """401: a key is needed, or this one is none or has expired."""


class NotAllowed(Refused):
    """403: not with this key."""


class NotFound(Refused):
    """404: no such node, collection or publication."""


class Ambiguous(Refused):
    """409: several collections have such a node."""


class TooMany(Refused):
    """429: more requests than the key or the caller may send."""


class Unavailable(Refused):
    """503: not now."""


_BY_STATUS: dict[int, type[Refused]] = {
    400: BadRequest,
    401: KeyNeeded,
    403: NotAllowed,
    404: NotFound,
    409: Ambiguous,
    413: BadRequest,
    415: BadRequest,
    429: TooMany,
    503: Unavailable,
}


def refusal(problem: Problem, retry_after: float, request_id: str) -> Refused:
    """The error of the class that its status calls for; `Refused` itself for all others."""
    return _BY_STATUS.get(problem.status, Refused)(problem, retry_after, request_id)
