"""What a caller can ask for that cannot be answered. Each class knows how HTTP calls it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from indexer.errors import TrellisError

UNUSABLE = "The index cannot be used at the moment. The service's log says why."
"""What a caller hears of an error whose message names places on this machine."""


class RequestError(TrellisError):
    """The request cannot be answered as it stands; the message says what to change."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad request"
    retry_after: ClassVar[int] = 0
    """Seconds after which the same request may do; 0 when it has to change."""


class InvalidRequest(RequestError):
    """A value is missing, of the wrong type or out of range."""


class EmptyQuestion(RequestError):
    title = "Empty question"

    def __init__(self) -> None:
        super().__init__("The question is empty. Ask something in your own words.")


class QuestionTooLong(RequestError):
    title = "Question too long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"The question has {length:,} characters; at most {limit:,} can be asked at once.")


class TopOutOfRange(RequestError):
    title = "Out of range"

    def __init__(self, top: int, limit: int) -> None:
        super().__init__(f"'top' is {top}; it must be between 1 and {limit}.")


class ScopeNotFound(RequestError):
    title = "Nothing in scope"

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"Nothing in the notes matches '{what}' '{value[:80]}'. Leave '{what}' out to ask all notes.")


class GlobNotUnderstood(RequestError):
    title = "Not a glob"

    def __init__(self, glob: str) -> None:
        super().__init__(f"'{glob[:80]}' is not a glob for file names; write it as in .gitignore, such as '*.txt'.")


class CollectionNotFound(RequestError):
    status = 404
    title = "No such collection"

    def __init__(self, name: str, names: Sequence[str]) -> None:
        known = f"There are: {', '.join(names)}." if names else "The settings name none."
        super().__init__(f"There is no collection '{name[:40]}'. {known}")


class CollectionUnavailable(RequestError):
    status = 503
    title = "Collection not available"
    retry_after = 10

    def __init__(self, name: str, reason: object) -> None:
        super().__init__(f"The collection '{name}' cannot be asked now: {reason}")


class NodeAmbiguous(RequestError):
    status = 409
    title = "Several such nodes"

    def __init__(self, node: str, collections: Sequence[str]) -> None:
        super().__init__(
            f"'{node[:80]}' is in several collections ({', '.join(collections)}). Say which with 'collection'."
        )


class NodeNotFound(RequestError):
    status = 404
    title = "No such node"

    def __init__(self, node: str) -> None:
        super().__init__(f"There is no node '{node[:80]}' in this index. It may have been edited or removed.")


class Overloaded(RequestError):
    status = 503
    title = "Too many questions at once"
    retry_after = 1

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} requests are waiting already. Try again in a second.")


class PublicationNotFound(RequestError):
    status = 404
    title = "No such publication"

    def __init__(self) -> None:
        super().__init__("Nothing is published under this name.")


class PublicationUnavailable(RequestError):
    status = 503
    title = "Publication not available"
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("This cannot be asked now. Try again in a while.")


class TooManyStreams(RequestError):
    status = 503
    title = "Too many conversations"
    retry_after = 5

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} answers are being written at the moment, which is as many as can be. Ask again in a while."
        )


class KeyRefused(RequestError):
    status = 401
    title = "A key is needed"

    def __init__(self) -> None:
        super().__init__(
            "Send a key that is valid as 'Authorization: Bearer KEY'. "
            "Whoever runs this service makes one with 'trellis keys add NAME'."
        )


class ScopeMissing(RequestError):
    status = 403
    title = "Not with this key"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a key with the scope '{scope}'.")


class TooOften(RequestError):
    status = 429
    title = "Too many requests"

    def __init__(self, limit: str, seconds: int) -> None:
        self.limit = limit
        self.retry_after = seconds  # type: ignore[misc]  # of this refusal alone
        super().__init__(f"At most {limit} are answered. Try again in {seconds:,} seconds.")


class McpMissing(RequestError):
    status = 501
    title = "Not installed"

    def __init__(self) -> None:
        super().__init__(
            "The Model Context Protocol needs a library that is not installed here: pip install 'trellis[mcp]'."
        )


class Leaving(RequestError):
    status = 503
    title = "Ending"
    retry_after = 5

    def __init__(self) -> None:
        super().__init__("The service is about to end.")


class MapNotDrawn(RequestError):
    status = 503
    title = "No map"
    retry_after = 5

    def __init__(self, reason: str) -> None:
        super().__init__(f"The map could not be drawn: {reason}.")


class KeyFileError(TrellisError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The keys in '{path}' cannot be used: {reason}.")


class KeyNameTaken(TrellisError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is a key '{name}' already. Choose another name, or revoke that one first.")


class NoSuchKey(TrellisError):
    def __init__(self, which: str) -> None:
        super().__init__(f"There is no key '{which}'. 'trellis keys list' shows all of them.")


class OpenToAll(TrellisError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"Whoever reaches '{host}' could read all of these notes, so a key is needed there. Make one with "
            "'trellis keys add NAME', or say that everybody may: '--access open'."
        )


class PortInUse(TrellisError):
    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"Cannot listen on {host}:{port}: {reason}. Choose another port with --port.")
