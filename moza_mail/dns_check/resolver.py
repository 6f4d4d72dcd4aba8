"""Asking the DNS, with dnspython: each question once, none for long."""

import asyncio
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from moza_mail.dns_check.answer import Answer, Found
from moza_mail.errors import ProjectError

# What one question may take over all servers, and one try of one server; an answer that is cut short is asked again over TCP.
LIFETIME, TIMEOUT = 5.0, 2.0
# Below what any path fragments (RFC 9715 3): a longer answer comes over TCP.
PAYLOAD = 1232
# So many questions in a row without any answer mean that there is no DNS here.
DEAF = 2


class Dns:
    """Asks the system's resolver, or the one given as `ADDRESS[:PORT]`; raise ProjectError when that is no address."""

    def __init__(self, server: str = "") -> None:
        self._known: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._heard = False
        self._silences = 0
        self._trouble = ""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not server)
        except dns.resolver.NoResolverConfiguration:
            self._resolver = dns.asyncresolver.Resolver(configure=False)
            self._trouble = "this machine has no resolver"
        if server:
            address, port = _server(server)
            self._resolver.nameservers = [address]
            self._resolver.port = port
        self._resolver.timeout, self._resolver.lifetime = TIMEOUT, LIFETIME
        self._resolver.use_edns(0, dns.flags.DO, PAYLOAD)
        # RFC 6840 5.7: AD in the question says that we want to know.
        self._resolver.flags = dns.flags.RD | dns.flags.AD

    async def ask(self, name: str, kind: str) -> Answer:
        """The answer to one question; what was asked before is not asked again."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = asyncio.ensure_future(self._asked(*key))
        return await self._known[key]

    async def _asked(self, name: str, kind: str) -> Answer:
        if self._trouble:
            return self._unasked(name, kind, self._trouble)
        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return self._unasked(name, kind, "it is not a name of the DNS")
        try:
            found = await self._resolver.resolve(asked, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return self._answered(Answer(name=name, kind=kind, found=Found.NO_NAME))
        except dns.resolver.LifetimeTimeout:
            return self._silent(name, kind)
        except dns.resolver.NoNameservers as error:
            # One that answers that it has failed is there all the same.
            refusals = ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP")
            said = next((word for word in refusals if word in str(error)), "")
            if not said:
                return self._silent(name, kind)
            return self._answered(self._unasked(name, kind, f"the resolver answers {said}"))
        except (dns.exception.DNSException, OSError) as error:
            return self._unasked(name, kind, str(error).split("\n", maxsplit=1)[0] or type(error).__name__)
        records = tuple(_text(record) for record in found.rrset or ())
        return self._answered(
            Answer(
                name=name,
                kind=kind,
                found=Found.RECORDS if records else Found.EMPTY,
                records=records,
                secure=bool(found.response.flags & dns.flags.AD),
            )
        )

    def _answered(self, answer: Answer) -> Answer:
        self._heard = True
        return answer

    def _silent(self, name: str, kind: str) -> Answer:
        self._silences += 1
        if not self._heard and self._silences >= DEAF:
            self._trouble = "no resolver answers"
        return self._unasked(name, kind, "no resolver answers in time")

    def _unasked(self, name: str, kind: str, why: str) -> Answer:
        return Answer(name=name, kind=kind, found=Found.UNASKED, why=why)


def _text(record: object) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return f"{record.preference} {str(record.exchange).rstrip('.')}"
    return str(record).rstrip(".")


def _server(text: str) -> tuple[str, int]:
    """`127.0.0.1:5353`, `[::1]:5353` or an address alone."""
    head, _, port = text.rpartition(":")
    address = head if head and (head.startswith("[") or ":" not in head) else text
    try:
        number = int(port) if address != text else 53
        ip_address(address.strip("[]"))
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise ProjectError(
            f"--resolver: {text!a} is no address", hint="Such as --resolver 9.9.9.9 or 127.0.0.1:5353"
        )
    return address.strip("[]"), number
