"""What a caller can ask for that cannot be answered. Each class knows how HTTP calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from indexer.errors import TrellisError


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


class PortInUse(TrellisError):
    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"Cannot listen on {host}:{port}: {reason}. Choose another port with --port.")
