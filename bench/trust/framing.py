"""Requirement 14: requests that can be read in two ways, byte by byte."""

from __future__ import annotations

import socket
import time

from bench.trust.finding import Finding
from bench.trust.routes import lacking
from bench.trust.running import Running

_APART = 0.002
"""Seconds between two bytes, or the system puts them together again."""
_GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
_POST = b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_ASKED = b'{"question":"a"}'

CASES: list[tuple[str, bytes, int]] = [
    ("lines end in LF", b"GET /livez HTTP/1.1\nHost: localhost\n\n", 400),
    ("one line ends in LF", b"GET /livez HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400),
    ("CR inside a field", _GET + b"X: a\rb\r\n\r\n", 400),
    ("CR ends a line", b"GET /livez HTTP/1.1\rHost: localhost\r\r\n\r\n", 400),
    ("no version", b"GET /livez\r\n\r\n", 400),
    ("version 0.9", b"GET /livez HTTP/0.9\r\nHost: localhost\r\n\r\n", 400),
    ("version 2.0", b"GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n", 400),
    ("version 1.10", b"GET /livez HTTP/1.10\r\nHost: localhost\r\n\r\n", 400),
    ("version in small letters", b"GET /livez http/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("method in small letters", b"get /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("parenthesis in the method", b"G(T /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("no method", b"/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("two spaces", b"GET  /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("tabs between words", b"GET\t/livez\tHTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("space before the method", b" GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("NUL before the method", b"\0GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("words after the version", b"GET /livez HTTP/1.1 x\r\nHost: localhost\r\n\r\n", 400),
    ("NUL in the target", b"GET /li\0vez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("control in the target", b"GET /livez\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("letters that are no ASCII", b"GET /api/search?q=\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("no Host", b"GET /livez HTTP/1.1\r\n\r\n", 400),
    ("no Host in 1.0", b"GET /livez HTTP/1.0\r\n\r\n", 421),
    ("empty Host", b"GET /livez HTTP/1.1\r\nHost: \r\n\r\n", 400),
    ("the same Host twice", _GET + b"Host: localhost\r\n\r\n", 400),
    ("two Hosts", _GET + b"Host: evil.example\r\n\r\n", 400),
    ("two Hosts, ours last", b"GET /livez HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n", 400),
    ("foreign Host", b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ("Hosts with a comma", b"GET /livez HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n", 421),
    ("user in Host", b"GET /livez HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 421),
    ("foreign address, our Host", b"GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("our address, foreign Host", b"GET http://localhost/livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
    ("foreign address and Host", b"GET http://evil.example/livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ("space before the colon", b"GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    ("field without a colon", _GET + b"X\r\n\r\n", 400),
    ("field without a name", _GET + b": x\r\n\r\n", 400),
    ("field goes on in the next line", _GET + b"X: a\r\n b\r\n\r\n", 400),
    ("first field begins with a space", b"GET /livez HTTP/1.1\r\n Host: localhost\r\n\r\n", 400),
    ("NUL in a value", _GET + b"X: a\0b\r\n\r\n", 400),
    ("NUL in a name", _GET + b"X\0: a\r\n\r\n", 400),
    ("underscore in Content_Length", _POST + b"Content_Length: 5\r\n\r\n", 400),
    ("length with a sign", _POST + b"Content-Length: +16\r\n\r\n" + _ASKED, 400),
    ("length below zero", _POST + b"Content-Length: -1\r\n\r\n", 400),
    ("length in hexadecimal", _POST + b"Content-Length: 0x10\r\n\r\n" + _ASKED, 400),
    ("length with an underscore", _POST + b"Content-Length: 1_6\r\n\r\n" + _ASKED, 400),
    ("two lengths in one", _POST + b"Content-Length: 16, 16\r\n\r\n" + _ASKED, 400),
    ("the same length twice", _POST + b"Content-Length: 16\r\nContent-Length: 16\r\n\r\n" + _ASKED, 400),
    ("two lengths", _POST + b"Content-Length: 16\r\nContent-Length: 6\r\n\r\n" + _ASKED, 400),
    ("length of 5,000 digits", _POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    ("empty length", _POST + b"Content-Length: \r\n\r\n", 400),
    ("length and chunks", _POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunks and length", _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    ("chunks in 1.0", _CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n", 400),
    ("chunked twice", _POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    ("two codings fields", _CHUNKED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("gzip", _POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("identity", _POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    ("a coding much like chunked", _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    ("vertical tab before chunked", _POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("empty coding", _POST + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunk size with a sign", _CHUNKED + b"+10\r\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("chunk size with 0x", _CHUNKED + b"0x10\r\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("chunk size below zero", _CHUNKED + b"-1\r\n\r\n0\r\n\r\n", 400),
    ("chunk size of 17 digits", _CHUNKED + b"f" * 17 + b"\r\n" + _ASKED, 400),
    ("chunk size ends in LF", _CHUNKED + b"10\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("no chunk size", _CHUNKED + b"\r\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("chunk longer than its size", _CHUNKED + b"4\r\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("NUL in a chunk extension", _CHUNKED + b"10;a=\0\r\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("long chunk extension", _CHUNKED + b"10;" + b"a" * 5000 + b"\r\n" + _ASKED + b"\r\n0\r\n\r\n", 400),
    ("trailer that is none", _CHUNKED + b"0\r\nGET /metrics HTTP/1.1\r\n\r\n", 400),
    ("header too large", _GET + b"X: " + b"a" * 20000 + b"\r\n\r\n", 431),
    ("target too long", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    ("body too large", _POST + b"Content-Length: 9999999\r\n\r\n", 413),
    ("chunks too large", _CHUNKED + (b"2000\r\n" + b"a" * 0x2000 + b"\r\n") * 12, 413),
]  # fmt: skip
GOOD: list[tuple[str, bytes]] = [
    ("as it should be", _GET + b"\r\n"),
    ("an empty line before", b"\r\n" + _GET + b"\r\n"),
    ("1.0 with Host", b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n"),
    ("whole address", b"GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("chunks", _CHUNKED + b"8;a=b\r\n" + _ASKED[:8] + b"\r\n8\r\n" + _ASKED[8:] + b"\r\n0\r\nX: y\r\n\r\n"),
]


def suite(service: Running) -> Finding:
    wrong = []
    for name, data, status in CASES:
        reply = service.raw(data)
        if reply.status != status or not reply.closed:
            wrong.append(f"{name}: {reply.status}{'' if reply.closed else ', left open'}")
        wrong += [f"{name}: lacks {what}" for what in lacking(reply, "/livez")]
    wrong += [f"{name}: {reply.status}" for name, data in GOOD if (reply := service.raw(data)).status != 200]
    wrong += _byte_by_byte(service)
    figure = f"{len(CASES)} malformed: {len(wrong)} taken, answered 500 or left open; {len(GOOD)} well-formed taken"
    reach = "52 cases: 0 × 500 (501 for unknown codings), 0 wrong Host in the app, each refusal closes"
    return Finding(14, "Framing", reach, figure, not wrong, "; ".join(wrong[:8]))


def _byte_by_byte(service: Running) -> list[str]:
    """However the bytes come, they are read the same."""
    wrong = []
    for name, data, status in [*CASES[:12], *CASES[56:66], *((name, data, 200) for name, data in GOOD)]:
        with service.connect(5) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for at in range(len(data)):
                    peer.sendall(data[at : at + 1])
                    time.sleep(_APART)
            except OSError:
                pass  # refused before its end
            try:
                first = peer.recv(65536)
            except OSError:
                first = b""
        if f" {status} ".encode() not in first[:16]:
            wrong.append(f"{name}, byte by byte: {first[:20]!r}")
    return wrong
