"""Check links with HEAD, or with GET if that fails, without reading the page.

A host name is resolved once and its addresses are checked. The connection goes to a checked address, with
the name in SNI and Host. So a second lookup cannot lead to a private address (DNS rebinding). Each redirect
is checked in the same way.
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
MAX_PORT = 65_535
REDIRECTS = {301, 302, 303, 307, 308}
PERMANENT_REDIRECTS = {301, 308}
HEADERS = {"User-Agent": f"moza-mail/{__version__} (link check of a newsletter)", "Accept": "*/*"}
# Statuses of HEAD for which GET may succeed. 429 (too many requests) is not among them.
RETRY_WITH_GET = {400, 403, 404, 405, 406, 410, 500, 501, 502, 503}
# Share of a link's time that HEAD may take before GET is tried.
HEAD_SHARE = 0.4
NO_SUCH_NAME = LinkVerdict(state=LinkState.BROKEN, reason="has a host name that does not exist")
NO_NETWORK = LinkVerdict(state=LinkState.NO_NETWORK, reason="cannot be looked up: the DNS does not answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """The status and the Location header of a response."""

    status: int
    location: str


class CheckRefused(Exception):
    """A URL leads to an address that must not be contacted.

    The text of this error is a clause that callers put after the URL.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClient:
    """Checks links over the network.

    timeout_seconds: the time for one link with all its redirects.
    concurrency: the number of links that are checked at the same time.
    allowed_networks: networks that may be contacted although they are not public.
    tls: the certificates to trust; None for those of httpx and of the system.
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
        """Check each URL once and return the answers in the order of the URLs.

        on_answer: called with each answer as soon as it is known.
        """
        distinct = tuple(dict.fromkeys(urls))
        semaphore = asyncio.Semaphore(self.concurrency)
        # A connection is used once: another name on the same address must show its own certificate.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        tls = self.tls or _make_tls_context()
        async with httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits) as transport:

            async def check(url: str) -> LinkAnswer:
                async with semaphore:
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

            answers = await asyncio.gather(*map(check, distinct))
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
            return LinkVerdict(state=LinkState.BROKEN, reason="is not a valid web address")

    async def _follow_redirects(self, transport: httpx.AsyncHTTPTransport, url: str) -> LinkVerdict:
        first = current = moved = httpx.URL(url)
        is_permanent = True
        visited = {first}
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._request_head_or_get(transport, current)
            if response.status not in REDIRECTS or not response.location:
                verdict = judge_status(response.status, first, current)
                has_moved = verdict.state is LinkState.OK and not is_same_page(first, moved)
                return replace(verdict, moved=str(moved)) if has_moved else verdict
            current = _resolve_redirect(current, response.location)
            if current in visited:
                return LinkVerdict(state=LinkState.UNREACHABLE, reason="redirects in a circle")
            visited.add(current)
            is_permanent = is_permanent and response.status in PERMANENT_REDIRECTS
            moved = current if is_permanent else moved
        return LinkVerdict(state=LinkState.UNREACHABLE, reason=f"redirects more than {MAX_REDIRECTS} times")

    async def _request_head_or_get(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> ResponseHead:
        """Request one URL with HEAD, or with GET if the server does not answer HEAD properly."""
        addresses = await self._resolve_public(url)
        try:
            response = await self._try_addresses(transport, "HEAD", url, addresses)
        except (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            return await self._try_addresses(transport, "GET", url, addresses)
        if response.status in RETRY_WITH_GET:
            return await self._try_addresses(transport, "GET", url, addresses)
        return response

    async def _resolve_public(self, url: httpx.URL) -> tuple[IPAddress, ...]:
        """Return the addresses of a URL's host; raise CheckRefused if one of them is not public."""
        if url.scheme not in {"http", "https"} or not url.host:
            raise CheckRefused("is not a web address (http or https)")
        if (url.port or 0) > MAX_PORT:
            raise httpx.InvalidURL(f"a port is at most {MAX_PORT}")
        found = await self.resolver(url.raw_host.decode("ascii").strip("[]"), url.port or _default_port(url))
        if not found:
            raise NameNotFound
        if not all(is_public(address, self.allowed_networks) for address in found):
            raise CheckRefused(f"leads to a private address ({url.host}), which is never contacted")
        return found[:MAX_ADDRESSES]

    async def _try_addresses(
        self,
        transport: httpx.AsyncHTTPTransport,
        method: str,
        url: httpx.URL,
        addresses: tuple[IPAddress, ...],
    ) -> ResponseHead:
        """Send the request to the first address that accepts a connection."""
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
        read_timeout = self.timeout_seconds * (HEAD_SHARE if method == "HEAD" else 1)
        connect_timeout = self.timeout_seconds / 2
        request = httpx.Request(
            method,
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii"), **HEADERS},
            extensions={
                "sni_hostname": url.raw_host.decode("ascii"),
                "timeout": {
                    "connect": connect_timeout,
                    "read": read_timeout,
                    "write": read_timeout,
                    "pool": self.timeout_seconds,
                },
            },
        )
        response = await transport.handle_async_request(request)
        # The body may be long and is not read.
        await response.aclose()
        return ResponseHead(status=response.status_code, location=response.headers.get("location", ""))


def _resolve_redirect(current: httpx.URL, location: str) -> httpx.URL:
    target = current.join(location).copy_with(userinfo=b"", fragment=None)
    if len(str(target)) > MAX_URL:
        raise httpx.InvalidURL(f"a redirect is longer than {MAX_URL} characters")
    return target


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
    """Return why a certificate is not valid, empty if the error has another cause."""
    for cause in _iterate_causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "it cannot be verified"
    return ""


def _judge_error(error: httpx.TransportError) -> LinkVerdict:
    if flaw := _certificate_error(error):
        return LinkVerdict(
            state=LinkState.BROKEN, reason=f"has a certificate that is not valid ({flaw.rstrip('.')})"
        )
    codes = {cause.errno for cause in _iterate_causes(error) if isinstance(cause, OSError)}
    if codes & {errno.ENETUNREACH, errno.ENETDOWN}:
        return LinkVerdict(state=LinkState.NO_NETWORK, reason="cannot be reached: there is no network")
    if any(isinstance(cause, ssl.SSLError) for cause in _iterate_causes(error)):
        return LinkVerdict(state=LinkState.UNREACHABLE, reason="does not accept an encrypted connection")
    if isinstance(error, httpx.ConnectError):
        return LinkVerdict(state=LinkState.UNREACHABLE, reason="refuses the connection")
    if isinstance(error, httpx.ProtocolError):
        return LinkVerdict(state=LinkState.UNREACHABLE, reason="sends a response that is not HTTP")
    return LinkVerdict(state=LinkState.UNREACHABLE, reason="closes the connection")


def _doubt_missing_names(answers: Iterable[LinkAnswer]) -> tuple[LinkAnswer, ...]:
    """Report a DNS problem instead of broken links if no host at all can be found.

    A computer that is cut off from the network may get the answer that a name does not exist. If two or more
    hosts got this answer, and every other link failed for lack of a network, the DNS is reported instead.
    """
    given = tuple(answers)
    checked = [answer for answer in given if answer.state is not LinkState.REFUSED]
    hosts = {httpx.URL(answer.url).host for answer in checked if answer.reason == NO_SUCH_NAME.reason}
    none_resolved = all(
        answer.reason == NO_SUCH_NAME.reason or answer.state is LinkState.NO_NETWORK for answer in checked
    )
    if len(hosts) < 2 or not none_resolved:
        return given
    return tuple(
        replace(answer, state=NO_NETWORK.state, reason=NO_NETWORK.reason)
        if answer.reason == NO_SUCH_NAME.reason
        else answer
        for answer in given
    )
