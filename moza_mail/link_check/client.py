"""Asker: asks each URL of the web with a HEAD, or a GET where that does not serve, and reads no page.

A name is resolved, its addresses are judged, and the connection goes to the address that was judged, with the name in
SNI and Host: no second look-up can lead elsewhere. Each redirect is judged in the same way.
"""

import asyncio
import errno
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import httpx

from moza_mail import __version__
from moza_mail.link_check.public_addresses import (
    Address,
    Network,
    NoNameService,
    NoSuchName,
    Resolver,
    is_public,
    resolve,
)
from moza_mail.link_check.verdict import Verdict, is_same_page, of_status
from moza_mail.model.link import LinkAnswer, LinkState

MOST_REDIRECTS = 10
MOST_ADDRESSES = 3
LONGEST_URL = 4000
REDIRECTS = {301, 302, 303, 307, 308}
FOR_GOOD = {301, 308}
HEADERS = {"User-Agent": f"moza-mail/{__version__} (link check of a newsletter)", "Accept": "*/*"}
# What HEAD may be given by a server that answers GET well. Too many requests (429) are not answered with one more.
NOT_FOR_HEAD = {400, 403, 404, 405, 406, 410, 500, 501, 502, 503}
# How much of a link's time HEAD may take before GET is tried.
SHARE_OF_HEAD = 0.4
NO_SUCH_NAME = Verdict(state=LinkState.BROKEN, reason="has a host name that does not exist")
NO_NETWORK = Verdict(state=LinkState.NO_NETWORK, reason="cannot be looked up: the DNS does not answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The head of an answer."""

    status: int
    location: str


class Refused(Exception):
    """An address that is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """How the web is asked: `seconds` for one link in all, so many `at_a_time`.

    `allowed` are networks that may be asked although they are not public. `tls` verifies certificates; without one it is
    what httpx trusts and what the system trusts.
    """

    seconds: float = 10
    at_a_time: int = 10
    allowed: tuple[Network, ...] = ()
    resolver: Resolver = resolve
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    async def ask(
        self,
        urls: Iterable[str],
        *,
        now: datetime,
        on_answer: Callable[[LinkAnswer], None] = lambda _: None,
    ) -> tuple[LinkAnswer, ...]:
        """Ask each URL once; the answers are in the order of the URLs, `on_answer` hears of each as it comes."""
        distinct = tuple(dict.fromkeys(urls))
        turn = asyncio.Semaphore(self.at_a_time)
        # A connection is used once: a second name on the same address must show a certificate of its own.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        tls = self.tls or _trusted()
        async with httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits) as transport:

            async def one(url: str) -> LinkAnswer:
                async with turn:
                    verdict = await self._within_time(transport, url)
                answer = LinkAnswer(
                    url=url,
                    state=verdict.state,
                    reason=verdict.reason,
                    moved_to=verdict.moved,
                    checked_at=now,
                )
                on_answer(answer)
                return answer

            answers = await asyncio.gather(*map(one, distinct))
        return _without_network(answers)

    async def _within_time(self, transport: httpx.AsyncHTTPTransport, url: str) -> Verdict:
        late = Verdict(state=LinkState.UNREACHABLE, reason=f"does not answer within {self.seconds:g} seconds")
        try:
            async with asyncio.timeout(self.seconds):
                return await self._follow(transport, url)
        except (TimeoutError, httpx.TimeoutException):
            return late
        except NoSuchName:
            return NO_SUCH_NAME
        except NoNameService:
            return NO_NETWORK
        except Refused as refused:
            return Verdict(state=LinkState.REFUSED, reason=str(refused))
        except httpx.TransportError as error:
            return _of_trouble(error)
        except (httpx.InvalidURL, ValueError):
            return Verdict(state=LinkState.BROKEN, reason="is no web address that can be asked")

    async def _follow(self, transport: httpx.AsyncHTTPTransport, url: str) -> Verdict:
        first = here = moved = httpx.URL(url)
        for_good = True
        been = {first}
        for _ in range(MOST_REDIRECTS + 1):
            reply = await self._reply(transport, here)
            if reply.status not in REDIRECTS or not reply.location:
                verdict = of_status(reply.status, first, here)
                told = verdict.state is LinkState.OK and not is_same_page(first, moved)
                return replace(verdict, moved=str(moved)) if told else verdict
            here = _next(here, reply.location)
            if here in been:
                return Verdict(state=LinkState.UNREACHABLE, reason="is sent round in a circle")
            been.add(here)
            for_good = for_good and reply.status in FOR_GOOD
            moved = here if for_good else moved
        return Verdict(state=LinkState.UNREACHABLE, reason=f"is sent on more than {MOST_REDIRECTS} times")

    async def _reply(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> Reply:
        """The answer of one URL, by HEAD or else by GET."""
        addresses = await self._addresses(url)
        try:
            reply = await self._request(transport, "HEAD", url, addresses)
        except (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            return await self._request(transport, "GET", url, addresses)
        if reply.status in NOT_FOR_HEAD:
            return await self._request(transport, "GET", url, addresses)
        return reply

    async def _addresses(self, url: httpx.URL) -> tuple[Address, ...]:
        """The addresses of a URL's host; raise Refused when even one of them is not public."""
        if url.scheme not in {"http", "https"} or not url.host:
            raise Refused("leads to something that is no web page")
        found = await self.resolver(url.raw_host.decode("ascii").strip("[]"), url.port or _port(url))
        if not found:
            raise NoSuchName
        if not all(is_public(address, self.allowed) for address in found):
            raise Refused(f"leads to a private address ({url.host}), which is never asked")
        return found[:MOST_ADDRESSES]

    async def _request(
        self, transport: httpx.AsyncHTTPTransport, method: str, url: httpx.URL, addresses: tuple[Address, ...]
    ) -> Reply:
        """Ask the first address that can be connected to."""
        for address in addresses[:-1]:
            try:
                return await self._ask(transport, method, url, address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if _certificate(error):
                    raise
        return await self._ask(transport, method, url, addresses[-1])

    async def _ask(
        self, transport: httpx.AsyncHTTPTransport, method: str, url: httpx.URL, address: Address
    ) -> Reply:
        reading = self.seconds * (SHARE_OF_HEAD if method == "HEAD" else 1)
        connecting = self.seconds / 2
        request = httpx.Request(
            method,
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii"), **HEADERS},
            extensions={
                "sni_hostname": url.raw_host.decode("ascii"),
                "timeout": {"connect": connecting, "read": reading, "write": reading, "pool": self.seconds},
            },
        )
        response = await transport.handle_async_request(request)
        # The body is left unread, however long it is.
        await response.aclose()
        return Reply(status=response.status_code, location=response.headers.get("location", ""))


def _next(here: httpx.URL, location: str) -> httpx.URL:
    there = here.join(location).copy_with(userinfo=b"", fragment=None)
    if len(str(there)) > LONGEST_URL:
        raise httpx.InvalidURL(f"a redirect is longer than {LONGEST_URL} characters")
    return there


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _trusted() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _certificate(error: Exception) -> str:
    """What is wrong with a certificate, empty when the trouble is another."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "it cannot be verified"
    return ""


def _of_trouble(error: httpx.TransportError) -> Verdict:
    if wrong := _certificate(error):
        return Verdict(
            state=LinkState.BROKEN, reason=f"has a certificate that does not hold ({wrong.rstrip('.')})"
        )
    codes = {cause.errno for cause in _causes(error) if isinstance(cause, OSError)}
    if codes & {errno.ENETUNREACH, errno.ENETDOWN}:
        return Verdict(state=LinkState.NO_NETWORK, reason="cannot be reached: there is no network")
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return Verdict(state=LinkState.UNREACHABLE, reason="does not agree on an encrypted connection")
    if isinstance(error, httpx.ConnectError):
        return Verdict(state=LinkState.UNREACHABLE, reason="refuses the connection")
    if isinstance(error, httpx.ProtocolError):
        return Verdict(state=LinkState.UNREACHABLE, reason="gives an answer that is not HTTP")
    return Verdict(state=LinkState.UNREACHABLE, reason="breaks the connection off")


def _without_network(answers: Iterable[LinkAnswer]) -> tuple[LinkAnswer, ...]:
    """Doubt the DNS, not every link, when it knows none of several hosts: some networks answer so when cut off."""
    given = tuple(answers)
    asked = [answer for answer in given if answer.state is not LinkState.REFUSED]
    hosts = {httpx.URL(answer.url).host for answer in asked if answer.reason == NO_SUCH_NAME.reason}
    silent = all(
        answer.reason == NO_SUCH_NAME.reason or answer.state is LinkState.NO_NETWORK for answer in asked
    )
    if len(hosts) < 2 or not silent:
        return given
    return tuple(
        replace(answer, state=NO_NETWORK.state, reason=NO_NETWORK.reason)
        if answer.reason == NO_SUCH_NAME.reason
        else answer
        for answer in given
    )
