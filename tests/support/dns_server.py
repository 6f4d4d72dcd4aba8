"""A name server on loopback for tests that make real DNS queries. It answers from a table, over UDP and TCP."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

SERVFAIL, SILENT = "SERVFAIL", "SILENT"

Zone = Mapping[tuple[str, str], Sequence[str] | str]


@dataclass(kw_only=True)
class NameServer:
    """A name server and the queries it got.

    zone: the records by name and record type, as in a zone file. SERVFAIL gives that error, and SILENT no answer.
    truncated: the names that are answered over TCP only.
    secure: the names whose answers are marked as validated (AD).
    lie: a function that returns the response to a query over `udp` or `tcp`. It replaces the zone.
    """

    zone: Zone
    secure: frozenset[str] = frozenset()
    truncated: frozenset[str] = frozenset()
    lie: Callable[[dns.message.Message, str], bytes | None] | None = None
    queries: list[tuple[str, str, str]] = field(default_factory=list)
    address: str = ""

    def answer(self, packet: bytes, over: str) -> bytes | None:
        query = dns.message.from_wire(packet)
        (question,) = query.question
        name = question.name.to_text().rstrip(".").lower() or "."
        kind = question.rdtype.name
        self.queries.append((name, kind, over))
        if self.lie is not None:
            return self.lie(query, over)
        reply = dns.message.make_response(query, recursion_available=True)
        found = self.zone.get((name, kind), ())
        if found == SILENT:
            return None
        if found == SERVFAIL:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif over == "udp" and name in self.truncated:
            reply.flags |= dns.flags.TC
        elif found:
            reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, list(found)))
        elif not any(known == name or known.endswith(f".{name}") for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if name in self.secure:
            reply.flags |= dns.flags.AD
        return reply.to_wire()


@contextlib.contextmanager
def name_server(zone: Zone, **more) -> Iterator[NameServer]:
    """Run a name server on a free port. The option --resolver accepts its `address`."""
    server = NameServer(zone=zone, **more)
    udp, tcp = bind_both_on_one_port()
    with udp, tcp:
        server.address = "127.0.0.1:{1}".format(*udp.getsockname())
        for work, listener in ((serve_udp, udp), (serve_tcp, tcp)):
            Thread(target=work, args=(server, listener), daemon=True).start()
        yield server
        # This ends the threads that wait in accept() and recvfrom().
        for listener in (udp, tcp):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def bind_both_on_one_port() -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return udp, tcp
    raise AssertionError("no port is free for both UDP and TCP")


def serve_udp(server: NameServer, listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            packet, asker = listener.recvfrom(4096)
            if not packet:
                return
            if reply := server.answer(packet, "udp"):
                listener.sendto(reply, asker)


def serve_tcp(server: NameServer, listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                head = stream.read(2)
                if len(head) < 2:
                    continue
                (size,) = struct.unpack("!H", head)
                if reply := server.answer(stream.read(size), "tcp"):
                    connection.sendall(struct.pack("!H", len(reply)) + reply)
