"""Link checks against real servers on loopback, and the hosts that are never contacted."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
import trustme

from moza_mail.link_check import LinkCache, LinkClient
from moza_mail.link_check.resolve import DnsUnavailable, NameNotFound, resolve_host
from moza_mail.model.link import LinkAnswer, LinkState
from moza_mail.model.network import is_public
from tests.support.http_server import LOOPBACK, WebServer, answer, redirect, run_web_server
from tests.support.smtp_servers import free_port

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
# A TLS context without the system's authorities, because reading them takes longer than most of these tests.
TRUSTING_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OURS = (ip_network("127.0.0.0/8"),)
NAMES = {
    "web.test": LOOPBACK,
    "other.test": LOOPBACK,
    "inside.test": "10.1.2.3",
    "metadata.test": "169.254.169.254",
    "mapped.test": "::ffff:127.0.0.1",
}


async def names(host, port):
    """Resolve the host names of these tests, and literal addresses to themselves."""
    if host == "silent.test":
        raise DnsUnavailable
    if host == "rebound.test":
        return (ip_address("93.184.215.14"), ip_address("192.168.1.1"))
    try:
        return (ip_address(NAMES.get(host, host)),)
    except ValueError:
        raise NameNotFound from None


def asker(**wishes) -> LinkClient:
    return LinkClient(
        **{
            "allowed_networks": OURS,
            "resolver": names,
            "timeout_seconds": 5,
            "tls": TRUSTING_NOBODY,
            **wishes,
        }
    )


async def one(url: str, **wishes) -> LinkAnswer:
    (said,) = await asker(**wishes).check_links([url], now=NOW)
    return said


def asked_of(script, path="/a", **wishes) -> tuple[LinkAnswer, WebServer]:
    """Check the link to one page of a scripted server."""

    async def run():
        async with run_web_server(script) as served:
            return await one(served.url(path), **wishes), served

    return asyncio.run(run())


def state(script, path="/a", **wishes) -> LinkState:
    return asked_of(script, path, **wishes)[0].state


class TestAPage:
    def test_a_page_that_answers_is_ok_after_one_head_request(self):
        said, served = asked_of({"/a": answer(200)})
        assert said.state is LinkState.OK
        assert served.lines == ["HEAD /a"]

    def test_a_page_that_is_gone_is_broken(self):
        said, served = asked_of({"/a": answer(410)})
        assert (said.state, said.reason) == (LinkState.BROKEN, "answers 410 (Gone)")
        assert served.lines == ["HEAD /a", "GET /a"]

    @pytest.mark.parametrize("status", [403, 404, 405, 501, 503])
    def test_a_server_without_head_gets_a_get_request(self, status):
        said, served = asked_of({"HEAD /a": answer(status), "GET /a": answer(200, body=b"hello")})
        assert said.state is LinkState.OK
        assert served.lines == ["HEAD /a", "GET /a"]

    def test_a_server_that_closes_the_connection_on_head_gets_a_get_request(self):
        async def nothing(writer):
            pass

        assert state({"HEAD /a": nothing, "GET /a": answer(200)}) is LinkState.OK

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_page_with_status_401_or_403_needs_a_login(self, status):
        assert state({"/a": answer(status)}) is LinkState.NEEDS_LOGIN

    @pytest.mark.parametrize("status", [400, 418, 500, 503, 999])
    def test_a_page_with_a_server_error_is_unreachable(self, status):
        said, _ = asked_of({"/a": answer(status)})
        assert said.state is LinkState.UNREACHABLE
        assert str(status) in said.reason

    def test_a_server_that_limits_requests_is_not_asked_again(self):
        said, served = asked_of({"/a": answer(429)})
        assert said.state is LinkState.UNREACHABLE
        assert served.lines == ["HEAD /a"]

    def test_a_page_with_a_malformed_response_is_unreachable(self):
        said, _ = asked_of({"/a": b"220 smtp.example.org ESMTP\r\n\r\n"})
        assert (said.state, said.reason) == (LinkState.UNREACHABLE, "sends a response that is not HTTP")

    def test_the_body_of_an_endless_page_is_not_read(self):
        async def endless(writer):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

        async def run():
            async with run_web_server({"HEAD /a": answer(405), "GET /a": endless}) as served:
                said = await one(served.url("/a"))
                await asyncio.wait_for(served.disconnected.wait(), 5)
                return said

        assert asyncio.run(run()).state is LinkState.OK

    def test_a_page_with_endless_headers_is_given_up(self):
        async def endless(writer):
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"X-More: " + b"x" * 8192 + b"\r\n")
                await writer.drain()

        assert state({"/a": endless}) is LinkState.UNREACHABLE

    def test_a_slow_page_times_out(self):
        async def slow(writer):
            await asyncio.sleep(30)

        async def run():
            async with run_web_server({"/a": slow}) as served:
                begun = asyncio.get_running_loop().time()
                said = await one(served.url("/a"), timeout_seconds=0.3)
                return said, asyncio.get_running_loop().time() - begun

        said, took = asyncio.run(run())
        assert (said.state, said.reason) == (
            LinkState.UNREACHABLE,
            "does not answer within 0.3 seconds",
        )
        assert took < 3

    def test_a_page_without_a_server_is_unreachable(self):
        said = asyncio.run(one(f"http://web.test:{free_port()}/"))
        assert (said.state, said.reason) == (LinkState.UNREACHABLE, "refuses the connection")


class TestARedirect:
    def test_a_redirect_is_followed_and_a_permanent_one_gives_the_new_address(self):
        script = {"/a": redirect(301, "/b"), "/b": redirect(308, "/c#part"), "/c": answer(200)}
        said, served = asked_of(script)
        assert said.state is LinkState.OK
        assert said.moved_to == served.url("/c")

    def test_the_new_address_ends_before_the_first_temporary_redirect(self):
        script = {
            "/a": redirect(301, "/b"),
            "/b": redirect(302, "/c"),
            "/c": redirect(301, "/d"),
            "/d": answer(200),
        }
        said, served = asked_of(script)
        assert said.moved_to == served.url("/b")
        assert asked_of({"/a": redirect(302, "/b"), "/b": answer(200)})[0].moved_to == ""

    def test_a_redirect_that_only_adds_a_slash_is_not_reported(self):
        assert asked_of({"/a": redirect(301, "/a/"), "/a/": answer(200)})[0].moved_to == ""

    def test_a_redirect_to_a_missing_page_is_broken_and_not_moved(self):
        said, _ = asked_of({"/a": redirect(301, "/b")})
        assert (said.state, said.moved_to) == (LinkState.BROKEN, "")

    def test_a_circular_redirect_ends(self):
        said, served = asked_of({"/a": redirect(302, "/b"), "/b": redirect(302, "/a")})
        assert (said.state, said.reason) == (LinkState.UNREACHABLE, "redirects in a circle")
        assert len(served.requests) == 2

    def test_more_than_ten_redirects_are_given_up(self):
        script = {f"/{number}": redirect(302, f"/{number + 1}") for number in range(50)}
        said, served = asked_of(script, "/0")
        assert (said.state, said.reason) == (LinkState.UNREACHABLE, "redirects more than 10 times")
        assert len(served.requests) == 11
        ten = {**script, "/10": answer(200)}
        assert state(ten, "/0") is LinkState.OK

    @pytest.mark.parametrize(
        "page",
        ["/login?next=/a", "/oauth2/authorize", "/_layouts/15/Authenticate.aspx", "//login.test:{port}/x"],
    )
    def test_a_redirect_to_a_login_page_needs_a_login(self, page):
        async def everywhere(host, port):
            return (ip_address(LOOPBACK),)

        async def run():
            script = {"/x": answer(200), page: answer(200)}
            async with run_web_server(script) as served:
                script["/a"] = redirect(302, page.format(port=served.port))
                return await one(served.url("/a"), resolver=everywhere)

        assert asyncio.run(run()).state is LinkState.NEEDS_LOGIN

    def test_a_link_to_a_login_page_that_redirects_to_another_login_page_is_ok(self):
        assert state({"/login": redirect(302, "/sso/"), "/sso/": answer(200)}, "/login") is LinkState.OK

    @pytest.mark.parametrize(
        "inside",
        [
            "http://127.0.0.1:1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://inside.test/",
            "http://[::ffff:10.0.0.1]/",
            "file:///etc/passwd",
            "ftp://web.test/",
        ],
    )
    def test_a_redirect_to_a_private_address_is_refused(self, inside):
        said = asyncio.run(check_redirect_inside("127.9.9.9", inside))
        assert said.state is LinkState.REFUSED

    @pytest.mark.parametrize("place", ["http://a b/", "http://[::1", "http://x.test:99999/", "//", "\x00"])
    def test_a_redirect_to_an_invalid_url_gives_a_result(self, place):
        said, _ = asked_of({"/a": redirect(302, place)})
        assert said.state in {LinkState.BROKEN, LinkState.UNREACHABLE, LinkState.REFUSED}


async def check_redirect_inside(address: str, inside: str) -> LinkAnswer:
    """Serve a page on the only allowed address, with a redirect to another one."""

    async def only(host, port):
        return (ip_address(address),) if host == "page.test" else await names(host, port)

    async with run_web_server({"/a": redirect(302, inside)}, host=address) as served:
        return await one(
            served.url("/a", host="page.test"), resolver=only, allowed_networks=(ip_network(f"{address}/32"),)
        )


class TestAPrivateAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/",
            "http://localhost/",
            "http://2130706433/",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://10.0.0.1/",
            "http://169.254.169.254/",
        ],
    )
    def test_a_private_address_is_refused_in_every_notation(self, url):
        said = asyncio.run(one(url, allowed_networks=(), resolver=resolve_host))
        assert said.state is LinkState.REFUSED, said

    @pytest.mark.parametrize("host", ["inside.test", "metadata.test", "mapped.test", "rebound.test"])
    def test_a_public_name_for_a_private_address_is_refused(self, host):
        assert asyncio.run(one(f"http://{host}/")).state is LinkState.REFUSED

    def test_a_private_address_is_never_connected_to(self):
        async def run():
            async with run_web_server({"/a": answer(200)}) as served:
                said = await one(served.url("/a"), allowed_networks=())
                return said, served

        said, served = asyncio.run(run())
        assert said.state is LinkState.REFUSED
        assert served.requests == []

    def test_a_name_is_resolved_once_so_that_its_address_cannot_change(self):
        """Otherwise a name could have a public address in the check, and a private one when we connect."""
        asked = []

        async def rebinding(host, port):
            asked.append(host)
            return (ip_address(LOOPBACK if len(asked) == 1 else "10.0.0.1"),)

        async def run():
            async with run_web_server({"HEAD /a": answer(405), "GET /a": answer(200)}) as served:
                return await one(served.url("/a", host="evil.test"), resolver=rebinding), served

        said, served = asyncio.run(run())
        assert said.state is LinkState.OK
        assert asked == ["evil.test"]
        assert {headers["host"] for _, headers in served.requests} == {f"evil.test:{served.port}"}

    @pytest.mark.parametrize(
        "address",
        [
            *("0.0.0.0", "10.1.1.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255"),
            *("192.0.0.8", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
            *("224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "fe80::1"),
            *("fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2001::1", "3fff::1"),
            *("64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "fec0::1", "::127.0.0.1"),
        ],
    )
    def test_every_range_of_private_addresses_is_recognised(self, address):
        assert not is_public(ip_address(address))

    @pytest.mark.parametrize(
        "address",
        [
            "1.1.1.1",
            "147.181.98.1",
            "172.32.0.1",
            "100.128.0.1",
            "2a00:1450::1",
            "2606:4700::1",
            "64:ff9b::101:101",
        ],
    )
    def test_a_public_address_is_not_taken_for_a_private_one(self, address):
        assert is_public(ip_address(address))


class TestATlsSite:
    CA = trustme.CA()

    def context(self, *hosts: str, **dates) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.CA.issue_cert(*hosts, **dates).configure_cert(context)
        return context

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.CA.configure_trust(context)
        return context

    def said(self, served_tls: ssl.SSLContext, host: str = "web.test", *, trusted: bool = True) -> LinkAnswer:
        async def run():
            async with run_web_server({"/a": answer(200)}, tls=served_tls) as served:
                wishes = {"tls": self.trusting() if trusted else None}
                return await one(served.url("/a", host=host, scheme="https"), **wishes)

        return asyncio.run(run())

    def test_a_certificate_is_verified_by_the_host_name_of_the_link(self):
        assert self.said(self.context("web.test")).state is LinkState.OK

    def test_a_certificate_for_another_name_is_broken(self):
        said = self.said(self.context("elsewhere.test"))
        assert said.state is LinkState.BROKEN
        assert "Hostname mismatch" in said.reason

    def test_an_expired_certificate_is_broken(self):
        said = self.said(self.context("web.test", not_after=datetime(2020, 1, 1, tzinfo=UTC)))
        assert (said.state, "expired" in said.reason) == (LinkState.BROKEN, True)

    def test_a_certificate_of_an_unknown_authority_is_broken(self):
        assert self.said(self.context("web.test"), trusted=False).state is LinkState.BROKEN

    def test_a_server_without_tls_is_unreachable(self):
        async def hello(_reader, writer):
            writer.write(b"220 smtp.example.org ESMTP\r\n")
            await writer.drain()
            writer.close()

        async def run():
            server = await asyncio.start_server(hello, LOOPBACK, 0)
            port = server.sockets[0].getsockname()[1]
            async with server:
                return await one(f"https://web.test:{port}/a", tls=self.trusting())

        said = asyncio.run(run())
        assert (said.state, said.reason) == (
            LinkState.UNREACHABLE,
            "does not accept an encrypted connection",
        )

    def test_two_sites_on_one_address_each_show_their_own_certificate(self):
        async def run():
            async with run_web_server({"/a": answer(200)}, tls=self.context("web.test")) as served:
                urls = [served.url("/a", host, "https") for host in ("web.test", "other.test", "web.test")]
                return await asker(tls=self.trusting(), concurrency=1).check_links(urls, now=NOW)

        first, second = asyncio.run(run())
        assert (first.state, second.state) == (LinkState.OK, LinkState.BROKEN)


class TestManyLinks:
    def test_many_links_are_requested_once_each_and_ten_at_a_time(self):
        heard = []

        async def run():
            held = asyncio.Event()

            async def hold(writer):
                if served.open_connections == 10:
                    # No other request may arrive while ten are waiting.
                    asyncio.get_running_loop().call_later(0.2, held.set)
                await held.wait()
                writer.write(answer(200))

            script = {f"/{number}": hold for number in range(30)}
            async with run_web_server(script) as served:
                urls = [served.url(path) for path in script]
                answers = await asker().check_links([*urls, *urls], now=NOW, on_answer=heard.append)
                return urls, answers, served

        urls, answers, served = asyncio.run(run())
        assert [said.url for said in answers] == urls
        assert {said.state for said in answers} == {LinkState.OK}
        assert served.max_connections == 10
        assert len(served.requests) == 30
        assert sorted(said.url for said in heard) == sorted(urls)

    def test_requests_contain_nothing_personal_and_no_cookie(self):
        script = {"/a": answer(302, "Location: /b", "Set-Cookie: who=you; Path=/"), "/b": answer(200)}
        _, served = asked_of(script)
        assert [sorted(headers) for _, headers in served.requests] == [["accept", "host", "user-agent"]] * 2
        assert served.requests[0][1]["user-agent"].startswith("moza-mail/")

    def test_a_password_in_a_link_is_not_sent(self):
        async def run():
            async with run_web_server({"/a": answer(200)}) as served:
                said = await one(f"http://me:secret@web.test:{served.port}/a")
                return said, served

        said, served = asyncio.run(run())
        assert said.state is LinkState.OK
        assert "authorization" not in served.requests[0][1]

    def test_a_proxy_in_the_environment_is_not_used(self, monkeypatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{free_port()}")
        assert state({"/a": answer(200)}) is LinkState.OK


class TestTheDns:
    def test_a_name_that_does_not_exist_makes_a_broken_link(self):
        said = asyncio.run(one("http://nowhere.test/"))
        assert (said.state, said.reason) == (LinkState.BROKEN, "has a host name that does not exist")

    def test_a_dns_without_answers_means_no_network(self):
        assert asyncio.run(one("http://silent.test/")).state is LinkState.NO_NETWORK

    def test_if_no_name_can_be_resolved_there_is_no_network(self):
        urls = ["http://nowhere.test/", "http://neither.test/", "http://10.0.0.1/"]
        answers = asyncio.run(asker().check_links(urls, now=NOW))
        assert [said.state for said in answers] == [
            LinkState.NO_NETWORK,
            LinkState.NO_NETWORK,
            LinkState.REFUSED,
        ]

    def test_if_one_of_several_names_is_resolved_the_others_are_broken(self):
        async def run():
            async with run_web_server({"/a": answer(200)}) as served:
                urls = ["http://nowhere.test/", "http://neither.test/", served.url("/a")]
                return await asker().check_links(urls, now=NOW)

        answers = asyncio.run(run())
        assert [said.state for said in answers] == [LinkState.BROKEN, LinkState.BROKEN, LinkState.OK]

    def test_localhost_is_resolved_to_loopback_addresses(self):
        found = asyncio.run(resolve_host("localhost", 80))
        assert all(address.is_loopback for address in found)
        assert found

    @pytest.mark.parametrize(
        "url", ["http://", "https:///x", "http://[::1", "http://x.test:99999/", "mailto:a@b.test"]
    )
    def test_an_invalid_url_is_not_resolved(self, url):
        assert asyncio.run(one(url)).state in {LinkState.BROKEN, LinkState.REFUSED}


class TestLinkCache:
    OK = LinkAnswer(url="https://web.test/a", state=LinkState.OK, reason="answers 200 (OK)", checked_at=NOW)

    def remembered(self, folder, **later) -> dict[str, LinkState]:
        return {
            url: said.state for url, said in LinkCache(folder=folder).load(NOW + timedelta(**later)).items()
        }

    def test_a_cached_result_is_valid_for_a_day(self, tmp_path):
        assert LinkCache(folder=tmp_path).save([self.OK], NOW)
        assert self.remembered(tmp_path, hours=23, minutes=59) == {self.OK.url: LinkState.OK}
        assert self.remembered(tmp_path, days=1) == {}
        assert self.remembered(tmp_path, hours=-1) == {}

    def test_a_cached_result_has_all_its_values(self, tmp_path):
        said = LinkAnswer(
            url="https://web.test/é",
            state=LinkState.BROKEN,
            reason="answers 404 (Not Found)",
            moved_to="https://web.test/b",
            checked_at=NOW,
        )
        LinkCache(folder=tmp_path).save([said], NOW)
        (back,) = LinkCache(folder=tmp_path).load(NOW).values()
        assert back.is_cached
        assert (back.url, back.state, back.reason, back.moved_to) == (
            said.url,
            said.state,
            said.reason,
            said.moved_to,
        )

    def test_only_certain_results_are_cached(self, tmp_path):
        answers = [
            LinkAnswer(url=f"https://web.test/{kind.name}", state=kind, reason="", checked_at=NOW)
            for kind in LinkState
        ]
        LinkCache(folder=tmp_path).save(answers, NOW)
        kept = json.loads((tmp_path / "links.json").read_text())["answers"]
        assert {entry["state"] for entry in kept.values()} == {"ok", "broken", "needs login"}
        assert len(self.remembered(tmp_path)) == 3

    def test_new_results_are_added_and_expired_ones_are_dropped(self, tmp_path):
        LinkCache(folder=tmp_path).save([self.OK], NOW)
        later = NOW + timedelta(hours=2)
        new = LinkAnswer(url="https://web.test/b", state=LinkState.OK, reason="", checked_at=later)
        LinkCache(folder=tmp_path).save([new], later)
        assert set(self.remembered(tmp_path, hours=3)) == {self.OK.url, new.url}
        LinkCache(folder=tmp_path).save([], NOW + timedelta(hours=25))
        assert list(json.loads((tmp_path / "links.json").read_text())["answers"]) == [new.url]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[]",
            b"null",
            b'{"format": 2, "answers": {}}',
            b'{"format": 1}',
            b'{"format": 1, "answers": []}',
            b'{"format": 1, "answers": {"a": null}}',
            b'{"format": 1, "answers": {"a": {"state": "fine", "reason": "", "moved_to": "", "checked_at": "2026-01-14"}}}',
            b'{"format": 1, "answers": {"a": {"state": "ok", "reason": "", "moved_to": "", "checked_at": "2026-01-14"}}}',
            b'{"format": 1, "answers": {"a": {"state": "ok", "reason": "", "moved_to": "", "checked_at": 5}}}',
            b"[" * 100_000,
        ],
    )
    def test_a_damaged_cache_counts_as_empty(self, tmp_path, content):
        (tmp_path / "links.json").write_bytes(content)
        assert LinkCache(folder=tmp_path).load(NOW) == {}
        assert LinkCache(folder=tmp_path).save([self.OK], NOW)
        assert self.remembered(tmp_path) == {self.OK.url: LinkState.OK}

    def test_a_cache_that_cannot_be_written_is_reported(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert not LinkCache(folder=tmp_path / "file").save([self.OK], NOW)

    def test_git_ignores_the_cache(self, tmp_path):
        LinkCache(folder=tmp_path / ".moza-mail").save([self.OK], NOW)
        assert (tmp_path / ".moza-mail" / ".gitignore").read_text() == "*\n"
        assert sorted(path.name for path in (tmp_path / ".moza-mail").iterdir()) == [
            ".gitignore",
            "links.json",
        ]
