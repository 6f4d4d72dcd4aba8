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
from moza_mail.link_check.resolve import DnsUnavailable, NameNotFound, Resolver, resolve_host
from moza_mail.link_check.verdict import LinkVerdict, is_same_page, judge_status
from moza_mail.model.link import LinkAnswer, LinkState
from moza_mail.model.network import IPAddress, IPNetwork, is_public

MAX_REDIRECTS = 10
MAX_ADDRESSES = 3
MAX_URL = 4000
REDIRECTS = {301, 302, 303, 307, 308}
PERMANENT_REDIRECTS = {301, 308}
HEADERS = {"User-Agent": f"moza-mail/{__version__} (link check of a newsletter)", "Accept": "*/*"}
# What HEAD may be given by a server that answers GET well. Too many requests (429) are not answered with one more.
RETRY_WITH_GET = {400, 403, 404, 405, 406, 410, 500, 501, 502, 503}
# How much of a link's time HEAD may take before GET is tried.
HEAD_SHARE = 0.4
NO_SUCH_NAME = LinkVerdict(state=LinkState.BROKEN, reason="has a host name that does not exist")
NO_NETWORK = LinkVerdict(state=LinkState.NO_NETWORK, reason="cannot be looked up: the DNS does not answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """The head of an answer."""

    status: int
    location: str


class CheckRefused(Exception):
    """An address that is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClient:
    """How the web is asked: `seconds` for one link in all, so many `at_a_time`.

    `allowed` are networks that may be asked although they are not public. `tls` verifies certificates; without one it is
    what httpx trusts and what the system trusts.
    """

    timeout_seconds: float = 10
    concurrency: int = 10
    allowed_networks: tuple[IPNetwork, ...] = ()
    resolver: Resolver = resolve_host
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    async def check_links(
        self,
        urls: Iterable[str],
        *,
        now: datetime,
        on_answer: Callable[[LinkAnswer], None] = lambda _: None,
    ) -> tuple[LinkAnswer, ...]:
        """Ask each URL once; the answers are in the order of the URLs, `on_answer` hears of each as it comes."""
        distinct = tuple(dict.fromkeys(urls))
        turn = asyncio.Semaphore(self.concurrency)
        # A connection is used once: a second name on the same address must show a certificate of its own.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        tls = self.tls or _make_tls_context()
        async with httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits) as transport:

            async def one(url: str) -> LinkAnswer:
                async with turn:
                    verdict = await self._check_within_timeout(transport, url)
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
        return _doubt_missing_names(answers)

    async def _check_within_timeout(self, transport: httpx.AsyncHTTPTransport, url: str) -> LinkVerdict:
        late = LinkVerdict(
            state=LinkState.UNREACHABLE, reason=f"does not answer within {self.timeout_seconds:g} seconds"
        )
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._follow_redirects(transport, url)
        except (TimeoutError, httpx.TimeoutException):
            return late
        except NameNotFound:
            return NO_SUCH_NAME
        except DnsUnavailable:
            return NO_NETWORK
        except CheckRefused as refused:
            return LinkVerdict(state=LinkState.REFUSED, reason=str(refused))
        except httpx.TransportError as error:
            return _judge_error(error)
        except (httpx.InvalidURL, ValueError):
            return LinkVerdict(state=LinkState.BROKEN, reason="is no web address that can be asked")

    async def _follow_redirects(self, transport: httpx.AsyncHTTPTransport, url: str) -> LinkVerdict:
        first = here = moved = httpx.URL(url)
        for_good = True
        been = {first}
        for _ in range(MAX_REDIRECTS + 1):
            reply = await self._request_head_or_get(transport, here)
            if reply.status not in REDIRECTS or not reply.location:
                verdict = judge_status(reply.status, first, here)
                told = verdict.state is LinkState.OK and not is_same_page(first, moved)
                return replace(verdict, moved=str(moved)) if told else verdict
            here = _resolve_redirect(here, reply.location)
            if here in been:
                return LinkVerdict(state=LinkState.UNREACHABLE, reason="is sent round in a circle")
            been.add(here)
            for_good = for_good and reply.status in PERMANENT_REDIRECTS
            moved = here if for_good else moved
        return LinkVerdict(state=LinkState.UNREACHABLE, reason=f"is sent on more than {MAX_REDIRECTS} times")

    async def _request_head_or_get(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> ResponseHead:
        """The answer of one URL, by HEAD or else by GET."""
        addresses = await self._resolve_public(url)
        try:
            reply = await self._try_addresses(transport, "HEAD", url, addresses)
        except (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            return await self._try_addresses(transport, "GET", url, addresses)
        if reply.status in RETRY_WITH_GET:
            return await self._try_addresses(transport, "GET", url, addresses)
        return reply

    async def _resolve_public(self, url: httpx.URL) -> tuple[IPAddress, ...]:
        """The addresses of a URL's host; raise Refused when even one of them is not public."""
        if url.scheme not in {"http", "https"} or not url.host:
            raise CheckRefused("leads to something that is no web page")
        found = await self.resolver(url.raw_host.decode("ascii").strip("[]"), url.port or _default_port(url))
        if not found:
            raise NameNotFound
        if not all(is_public(address, self.allowed_networks) for address in found):
            raise CheckRefused(f"leads to a private address ({url.host}), which is never asked")
        return found[:MAX_ADDRESSES]

    async def _try_addresses(
        self,
        transport: httpx.AsyncHTTPTransport,
        method: str,
        url: httpx.URL,
        addresses: tuple[IPAddress, ...],
    ) -> ResponseHead:
        """Ask the first address that can be connected to."""
        for address in addresses[:-1]:
            try:
                return await self._send_request(transport, method, url, address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if _certificate_error(error):
                    raise
        return await self._send_request(transport, method, url, addresses[-1])

    async def _send_request(
        self, transport: httpx.AsyncHTTPTransport, method: str, url: httpx.URL, address: IPAddress
    ) -> ResponseHead:
        reading = self.timeout_seconds * (HEAD_SHARE if method == "HEAD" else 1)
        connecting = self.timeout_seconds / 2
        request = httpx.Request(
            method,
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii"), **HEADERS},
            extensions={
                "sni_hostname": url.raw_host.decode("ascii"),
                "timeout": {
                    "connect": connecting,
                    "read": reading,
                    "write": reading,
                    "pool": self.timeout_seconds,
                },
            },
        )
        response = await transport.handle_async_request(request)
        # The body is left unread, however long it is.
        await response.aclose()
        return ResponseHead(status=response.status_code, location=response.headers.get("location", ""))


def _resolve_redirect(here: httpx.URL, location: str) -> httpx.URL:
    there = here.join(location).copy_with(userinfo=b"", fragment=None)
    if len(str(there)) > MAX_URL:
        raise httpx.InvalidURL(f"a redirect is longer than {MAX_URL} characters")
    return there


def _default_port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _make_tls_context() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _certificate_error(error: Exception) -> str:
    """What is wrong with a certificate, empty when the trouble is another."""
    for cause in _iterate_causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "it cannot be verified"
    return ""


def _judge_error(error: httpx.TransportError) -> LinkVerdict:
    if wrong := _certificate_error(error):
        return LinkVerdict(
            state=LinkState.BROKEN, reason=f"has a certificate that does not hold ({wrong.rstrip('.')})"
        )
    codes = {cause.errno for cause in _iterate_causes(error) if isinstance(cause, OSError)}
    if codes & {errno.ENETUNREACH, errno.ENETDOWN}:
        return LinkVerdict(state=LinkState.NO_NETWORK, reason="cannot be reached: there is no network")
    if any(isinstance(cause, ssl.SSLError) for cause in _iterate_causes(error)):
        return LinkVerdict(state=LinkState.UNREACHABLE, reason="does not agree on an encrypted connection")
    if isinstance(error, httpx.ConnectError):
        return LinkVerdict(state=LinkState.UNREACHABLE, reason="refuses the connection")
    if isinstance(error, httpx.ProtocolError):
        return LinkVerdict(state=LinkState.UNREACHABLE, reason="gives an answer that is not HTTP")
    return LinkVerdict(state=LinkState.UNREACHABLE, reason="breaks the connection off")


def _doubt_missing_names(answers: Iterable[LinkAnswer]) -> tuple[LinkAnswer, ...]:
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
