"""Query the DNS with dnspython. Each query is sent once, with short timeouts."""

import asyncio
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from moza_mail.dns_check.answer import AnswerStatus, DnsAnswer
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _

# Seconds for one query over all servers, and for one attempt with one server.
LIFETIME, TIMEOUT = 5.0, 2.0
# An answer of this size is not fragmented (RFC 9715 3). A longer answer comes over TCP.
MAX_UDP_PAYLOAD = 1232
# Seconds for all queries. If a server answers only some queries, the timeouts of the others would take minutes.
TOTAL_LIFETIME = 90.0
# An honest answer has some 60 TXT records at most. A larger one is not used.
MAX_RECORDS, MAX_CHARACTERS = 200, 32_000
# After this many queries without any answer, there is no working DNS.
MAX_TIMEOUTS = 2


class DnsResolver:
    """Queries the system's resolver, or the one at `ADDRESS[:PORT]`.

    Raises ProjectError if ADDRESS is not an IP address.
    """

    def __init__(self, server: str = "") -> None:
        self._answers: dict[tuple[str, str], asyncio.Task[DnsAnswer]] = {}
        self._has_answered = False
        self._timeouts = 0
        self._deadline = 0.0
        self._failure = ""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not server)
        except dns.resolver.NoResolverConfiguration:
            self._resolver = dns.asyncresolver.Resolver(configure=False)
            self._failure = "this machine has no resolver"
        if server:
            address, port = _parse_server(server)
            self._resolver.nameservers = [address]
            self._resolver.port = port
        self._resolver.timeout, self._resolver.lifetime = TIMEOUT, LIFETIME
        self._resolver.use_edns(0, dns.flags.DO, MAX_UDP_PAYLOAD)
        # RFC 6840 5.7: AD in a query requests AD in the answer.
        self._resolver.flags = dns.flags.RD | dns.flags.AD

    async def look_up(self, name: str, record_type: str) -> DnsAnswer:
        """Return the answer to a query. The answer is cached, so a repeated query is not sent."""
        key = (name.lower().rstrip("."), record_type)
        if key not in self._answers:
            self._answers[key] = asyncio.ensure_future(self._look_up(*key))
        return await self._answers[key]

    async def _look_up(self, name: str, kind: str) -> DnsAnswer:
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + TOTAL_LIFETIME
        if now >= self._deadline:
            self._failure = "the resolver answers too slowly"
        if self._failure:
            return self._fail(name, kind, self._failure)
        try:
            dns_name = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return self._fail(name, kind, "it is not a valid DNS name")
        try:
            found = await self._resolver.resolve(dns_name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return self._note_answer(DnsAnswer(name=name, record_type=kind, status=AnswerStatus.NO_NAME))
        except dns.resolver.LifetimeTimeout:
            return self._note_timeout(name, kind)
        except dns.resolver.NoNameservers as error:
            # An error code is an answer too: the resolver works.
            codes = ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP")
            code = next((code for code in codes if code in str(error)), "")
            if not code:
                return self._note_timeout(name, kind)
            return self._note_answer(self._fail(name, kind, f"the resolver answers {code}"))
        except (dns.exception.DNSException, OSError) as error:
            return self._fail(name, kind, str(error).split("\n", maxsplit=1)[0] or type(error).__name__)
        records = tuple(_format_record(record) for record in found.rrset or ())
        if len(records) > MAX_RECORDS or sum(map(len, records)) > MAX_CHARACTERS:
            return self._note_answer(self._fail(name, kind, "the answer is too large"))
        return self._note_answer(
            DnsAnswer(
                name=name,
                record_type=kind,
                status=AnswerStatus.RECORDS if records else AnswerStatus.EMPTY,
                records=records,
                is_authenticated=bool(found.response.flags & dns.flags.AD),
            )
        )

    def _note_answer(self, answer: DnsAnswer) -> DnsAnswer:
        self._has_answered = True
        return answer

    def _note_timeout(self, name: str, kind: str) -> DnsAnswer:
        self._timeouts += 1
        if not self._has_answered and self._timeouts >= MAX_TIMEOUTS:
            self._failure = "no resolver answers"
        return self._fail(name, kind, "no resolver answers in time")

    def _fail(self, name: str, kind: str, why: str) -> DnsAnswer:
        return DnsAnswer(name=name, record_type=kind, status=AnswerStatus.FAILED, error=why)


def _format_record(record: object) -> str:
    if isinstance(record, TXT):
        text = b"".join(record.strings).decode("utf-8", "replace")
        # A record may contain anything, and diagnoses quote it on the terminal.
        return "".join(character if character.isprintable() else "\ufffd" for character in text)
    if isinstance(record, MX):
        return f"{record.preference} {str(record.exchange).rstrip('.')}"
    return str(record).rstrip(".")


def _parse_server(text: str) -> tuple[str, int]:
    """Return the address and the port of a resolver.

    The port is optional: `127.0.0.1:5353`, `[::1]:5353` or `127.0.0.1`.
    """
    head, _colon, port = text.rpartition(":")
    address = head if head and (head.startswith("[") or ":" not in head) else text
    try:
        number = int(port) if address != text else 53
        ip_address(address.strip("[]"))
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise ProjectError(
            _("`--resolver`: {address!a} is not an IP address", address=text),
            hint=_("Write it as --resolver 9.9.9.9 or 127.0.0.1:5353."),
        )
    return address.strip("[]"), number
