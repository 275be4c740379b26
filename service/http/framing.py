"""Where one request ends and the next begins: what the server's parser lets pass and RFC 9112 does not.

Two readers who disagree about that (a proxy in front and this server) can be made to see different requests. So whatever is
open to two readings is refused, and the connection closed.
"""

from __future__ import annotations

import re
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest

_START_LINE = re.compile(rb"[A-Z-]{1,20} (?P<target>[^\x00-\x20\x7f]+) HTTP/1\.(?P<minor>[01])")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_ONCE = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization", b"origin", b"x-request-id"}
)
"""Fields that have one value. Joined by a comma, as the parser does, the last would be as good as the first."""
_LONGEST_LINE = 256
_LONGEST_TRAILER = 4096


class StrictParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Reads one request; what is open to two readings becomes an error, which closes the connection."""

    def received(self, data: bytes) -> int:
        if self.body_rcv is None and not self.completed:
            before = self.header_plus
            if not before and data[:1].isspace() and data[:1] not in b"\r\n":
                return self._refuse("A request begins with its method.", data)
            whole = before + data
            if b"\r\n\r\n" not in whole and _BARE_LINE_FEED.search(whole, max(len(before) - 1, 0)):
                return self._refuse("Lines end in CR LF.", data)
        taken: int = super().received(data)
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Raises ParsingError."""
        if self.header_bytes_received < self.adj.max_request_header_size:  # else waitress parses a stand-in
            _check(header_plus)
        super().parse_header(header_plus)
        if self.proxy_netloc and self.proxy_netloc.lower() != self.headers.get("HOST", "").lower():
            raise ParsingError("The address names another host than the field Host.")
        if self.chunked:
            self.body_rcv = ChunkedBody(OverflowableBuffer(self.adj.inbuf_overflow))

    def _refuse(self, reason: str, data: bytes) -> int:
        self.error = BadRequest(reason)
        self.completed = self.headers_finished = True
        return len(data)


def _check(head: bytes) -> None:
    """Raises ParsingError for a head, with its line ends, that can be read in two ways."""
    start, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    found = _START_LINE.fullmatch(start)
    if not found:
        raise ParsingError("The first line is not 'METHOD target HTTP/1.1'.")
    fields: dict[bytes, bytes] = {}
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            raise ParsingError("A field cannot go on in the next line.")
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or (name in fields and name in _ONCE):
            raise ParsingError(f"The field '{name.decode('latin-1')[:40]}' can be there once, as 'name: value'.")
        if b"_" in name and name.replace(b"_", b"-") in _ONCE:
            raise ParsingError("A field's name is written with hyphens.")
        fields[name] = value.strip(b" \t")
    _check_length(fields, old=found["minor"] == b"0")


def _check_length(fields: dict[bytes, bytes], *, old: bool) -> None:
    """Raises ParsingError unless it is plain how long the body is. old: HTTP/1.0, which knows no chunks."""
    if b"transfer-encoding" in fields:
        if old or b"content-length" in fields:
            raise ParsingError("The length of the body is told in two ways.")
        codings = [coding.strip(b" \t").lower() for coding in fields[b"transfer-encoding"].split(b",")]
        if (codings.count(b"chunked") != 1 and b"chunked" in codings) or b"" in codings:
            raise ParsingError("A body is chunked once.")
    if b"content-length" in fields and not _LENGTH.fullmatch(fields[b"content-length"]):
        raise ParsingError("Content-Length is a number.")
    if not old and not fields.get(b"host"):
        raise ParsingError("The field Host is missing.")


class ChunkedBody:
    """A body in chunks, put together (RFC 9112, section 7.1). waitress calls it with what comes; `received` answers how much
    of that belongs to the body. The parser ends it when it grows past the limit.
    """

    def __init__(self, buffer: Any) -> None:
        self.completed = False
        self.error: BadRequest | None = None
        self._buffer = buffer
        self._rest = b""
        self._left = 0  # bytes of the chunk that are still to come
        self._in_chunk = False
        self._in_trailer = False
        self._trailer = 0

    def received(self, data: bytes) -> int:
        held = len(self._rest)
        rest = self._rest + data
        at = 0
        while not (self.completed or self.error):
            step = self._chunk(rest, at) if self._in_chunk else self._line(rest, at)
            if not step:
                break
            at += step
        self._rest = rest[at:]
        return at - held if self.completed or self.error else len(data)

    def _chunk(self, rest: bytes, at: int) -> int:
        if self._left:
            part = rest[at : at + self._left]
            self._buffer.append(part)
            self._left -= len(part)
            return len(part)
        if len(rest) < at + 2:
            return 0
        if rest[at : at + 2] != b"\r\n":
            self.error = BadRequest("A chunk does not end where it says.")
        self._in_chunk = False
        return 2

    def _line(self, rest: bytes, at: int) -> int:
        """A line with the size of the next chunk, or after the last one a trailer field, which nobody reads."""
        end = rest.find(b"\n", at) + 1
        line = rest[at:end] if end else b""
        if len(line) > _LONGEST_LINE or (not line and len(rest) - at > _LONGEST_LINE):
            self.error = BadRequest("A line between chunks is too long.")
        elif line and self._in_trailer:
            self._trailer += len(line)
            if line == b"\r\n":
                self.completed = True
            elif not _TRAILER.fullmatch(line) or self._trailer > _LONGEST_TRAILER:
                self.error = BadRequest("What follows the last chunk is no trailer.")
        elif line:
            self._begin(line)
        return len(line)

    def _begin(self, line: bytes) -> None:
        found = _CHUNK_SIZE.fullmatch(line)
        if not found:
            self.error = BadRequest("A chunk begins with its size in hexadecimal digits.")
            return
        self._left = int(found[1], 16)
        self._in_chunk, self._in_trailer = self._left > 0, self._left == 0

    def __len__(self) -> int:
        return len(self._buffer)

    def getfile(self) -> Any:
        return self._buffer.getfile()

    def getbuf(self) -> Any:
        return self._buffer
