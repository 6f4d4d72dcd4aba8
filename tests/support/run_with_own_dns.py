"""Run a command with its own DNS server: `unshare -rnm python run_with_own_dns.py NAME RECORD COMMAND...`.

The command gets its own network and mounts. A server at 127.0.0.1:53 answers a TXT query for NAME with RECORD, and any other query
with an empty answer. /etc/resolv.conf names only that server. The exit code is that of the command.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
from threading import Thread

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
TXT, IN = 16, 1
QUESTION, ANSWER = 0x0100, 0x8580


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def resolve_by_ourselves() -> None:
    # /etc/resolv.conf may be a symbolic link, so the new file is mounted over its target.
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    subprocess.run(["mount", "--bind", file.name, os.path.realpath("/etc/resolv.conf")], check=True)


def answer(query: bytes, name: str, record: str) -> bytes:
    """Return a reply (RFC 1035 4.1) to a query with one question."""
    end = query.index(b"\0", 12) + 5
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    found = kind == TXT and ".".join(labels).lower() == name
    head = query[:2] + struct.pack("!HHHHH", ANSWER, 1, int(found), 0, 0) + query[12:end]
    if not found:
        return head
    octets = record.encode()
    strings = [octets[start : start + 255] for start in range(0, len(octets), 255)]
    text = b"".join(bytes([len(string)]) + string for string in strings)
    return head + struct.pack("!HHHIH", 0xC00C, TXT, IN, 60, len(text)) + text


def serve(server: socket.socket, name: str, record: str) -> None:
    while True:
        query, asker = server.recvfrom(2048)
        server.sendto(answer(query, name, record), asker)


def main() -> int:
    name, record, *command = sys.argv[1:]
    loopback_up()
    resolve_by_ourselves()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    Thread(target=serve, args=(server, name, record), daemon=True).start()
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
