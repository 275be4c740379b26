"""Watches the system calls with which a process changes files or speaks to others, and makes one of them fail or the last.

The kernel stops the process at each such call and asks this module what to do (seccomp user notification, Linux 5.9 and newer;
no root, no tracer, some tens of microseconds a call). Every process that the watched one starts is watched too.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "write": 1, "open": 2, "pwrite64": 18, "writev": 20, "sendfile": 40, "connect": 42, "sendto": 44,
        "fsync": 74, "fdatasync": 75, "truncate": 76,
        "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88,
        "chmod": 90, "fchmod": 91, "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265,
        "symlinkat": 266, "fchmodat": 268, "fallocate": 285, "pwritev": 296, "renameat2": 316, "copy_file_range": 326,
        "pwritev2": 328,
    },
    "aarch64": {
        "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "truncate": 45, "ftruncate": 46,
        "fallocate": 47, "fchmod": 52, "fchmodat": 53, "openat": 56, "write": 64, "writev": 66, "pwrite64": 68, "pwritev": 70,
        "sendfile": 71, "fsync": 82, "fdatasync": 83, "connect": 203, "sendto": 206,
        "renameat2": 276, "copy_file_range": 285, "pwritev2": 287,
    },
}  # fmt: skip
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ON_HANDLE = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync", "ftruncate", "fchmod", "fallocate",
              "sendfile"}  # fmt: skip
_SECOND_HANDLE = {"copy_file_range": 2}
_BESIDE_HANDLE = {"openat", "mkdirat", "unlinkat", "fchmodat"}
_TWO_PATHS = {"rename": (None, 0, None, 1), "link": (None, 0, None, 1), "renameat": (0, 1, 2, 3),
              "renameat2": (0, 1, 2, 3), "linkat": (0, 1, 2, 3), "symlink": (None, 0, None, 1), "symlinkat": (None, 0, 1, 2),
              }  # fmt: skip
_TO_ADDRESS = {"connect": 1, "sendto": 4}
_NEEDS_ROOM = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "mkdir", "mkdirat", "fallocate", "link", "linkat",
               "sendfile", "copy_file_range"}  # fmt: skip

_LOAD, _EQUAL, _SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTICE = struct.Struct("=QIIiIQ6Q")
_REPLY = struct.Struct("=QqiI")
_CONTINUE = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that changes a file. name: as in the manuals. path: which file; of "connect" and "sendto" which host and
    port. source: of a rename or a link, the other name. creates: whether an open may make the file.
    """

    name: str
    path: str
    source: str = ""
    creates: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the call of this number (from 1) among those below `place`. lasting: a disk stays full, so that every
    later call that needs room fails too.
    """

    place: str
    at: int
    kind: str  # "KILL", or the name of an error number, such as "ENOSPC"
    lasting: bool = False


def can_watch() -> bool:
    return platform.system() == "Linux" and platform.machine() in _NUMBERS and os.uname().release >= "5.1"


def watch_me() -> int:
    """Installs the filter on the calling thread and all that it starts. Answers the handle that `supervise` reads."""
    machine = platform.machine()
    program = _program(machine)
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS
        raise OSError(ctypes.get_errno(), "prctl")
    passed = Program(len(program), ctypes.cast(buffer, ctypes.c_void_p))
    handle = libc.syscall(_SECCOMP[machine], 1, 8, ctypes.byref(passed))  # SET_MODE_FILTER, NEW_LISTENER
    if handle < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(handle)


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter: a line is (operation, jump if true, jump if false, operand); offsets are those of `struct seccomp_data`."""
    numbers = _NUMBERS[machine]
    lines = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, 0),
    ]
    for name, argument in (("open", 1), ("openat", 2)):
        if name in numbers:
            lines += [
                (_EQUAL, 0, 4, numbers[name]),
                (_LOAD, 0, 0, 16 + 8 * argument),
                (_SET, 0, 1, _WRITING),
                (_RETURN, 0, 0, _NOTIFY),
                (_RETURN, 0, 0, _ALLOW),
            ]
    for name, number in numbers.items():
        if name not in ("open", "openat"):
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _NOTIFY)]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def supervise(handle: int, group: int, fault: Fault | None, hear: Callable[[Call], None]) -> None:
    """Answers the kernel until the watched processes are gone. `hear` is told of every call before it happens; at the call of
    the fault the process group `group` is killed, or the call fails.
    """
    names = {number: name for name, number in _NUMBERS[platform.machine()].items()}
    poll = select.poll()
    poll.register(handle, select.POLLIN | select.POLLHUP)
    seen, full = 0, False
    while True:
        ((_, event),) = poll.poll() or [(0, select.POLLHUP)]
        if not event & select.POLLIN:
            return
        notice = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(handle, _RECEIVE, notice)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.ENOENT):  # it was killed meanwhile
                continue
            raise
        identity, pid, _, number, _, _, *arguments = _NOTICE.unpack(notice)
        try:
            call = _call(pid, names[number], arguments)
        except OSError:  # it is gone
            call = Call(names[number], "?")
        wrong = 0
        if fault and call.path.startswith(fault.place):
            seen += 1
            if seen == fault.at and fault.kind == "KILL":
                os.killpg(group, signal.SIGKILL)
                return
            if seen == fault.at or (full and call.name in _NEEDS_ROOM):
                wrong = getattr(errno, fault.kind)
                full = fault.lasting
        if not wrong:
            hear(call)
        try:
            fcntl.ioctl(handle, _SEND, _REPLY.pack(identity, 0, -wrong, 0 if wrong else _CONTINUE))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


def _call(pid: int, name: str, arguments: list[int]) -> Call:
    if name in _TO_ADDRESS:
        return Call(name, _address(pid, arguments[_TO_ADDRESS[name]]))
    if name in _ON_HANDLE or name in _SECOND_HANDLE:
        return Call(name, _of_handle(pid, arguments[_SECOND_HANDLE.get(name, 0)]))
    if name in _TWO_PATHS:
        one, first, other, second = _TWO_PATHS[name]
        source = _path(pid, None if one is None else arguments[one], arguments[first])
        return Call(name, _path(pid, None if other is None else arguments[other], arguments[second]), source)
    if name in _BESIDE_HANDLE:
        creates = name == "openat" and bool(arguments[2] & os.O_CREAT)
        return Call(name, _path(pid, arguments[0], arguments[1]), creates=creates)
    return Call(name, _path(pid, None, arguments[0]), creates=name == "open" and bool(arguments[1] & os.O_CREAT))


def _address(pid: int, address: int) -> str:
    """Where a connection or a packet goes: "host:port" with an Internet address, else ""; also for a packet on a connection."""
    if not address:
        return ""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        found = memory.read(28)
    (family,) = struct.unpack("=H", found[:2])
    if family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    port = int.from_bytes(found[2:4], "big")
    raw = found[4:8] if family == socket.AF_INET else found[8:24]
    return f"{socket.inet_ntop(family, raw)}:{port}"


def _of_handle(pid: int, handle: int) -> str:
    return str(Path(f"/proc/{pid}/fd/{handle & 0xFFFFFFFF}").readlink())


def _path(pid: int, folder: int | None, address: int) -> str:
    name = _text(pid, address)
    if name.startswith("/"):
        return os.path.normpath(name)
    beside = None if folder is None else folder & 0xFFFFFFFF
    at_work = beside is None or beside == 0xFFFFFF9C  # AT_FDCWD
    base = str(Path(f"/proc/{pid}/cwd").readlink()) if at_work else _of_handle(pid, beside or 0)
    return os.path.normpath(f"{base}/{name}")


def _text(pid: int, address: int) -> str:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        found = memory.read(4096 - address % 4096)
        if b"\0" not in found:
            found += memory.read(4096)
    return os.fsdecode(found.split(b"\0")[0])
