"""Hostile requests to the public pages: never a server error, never a change by GET, never an address in a response."""

import contextlib
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from moza_mail.web.public import forms
from tests.support.examples import examples
from tests.support.public_site import project, serve_site

PEOPLE = 5
ADDRESS = re.compile(rb"lezer\d@example\.org")
HTTP = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
SLOW = examples(250, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("site"))
    here.add_readers(PEOPLE)
    here.set(sign_up_rate="1000000/h")
    with serve_site(here) as site:
        yield site


@pytest.fixture(scope="module")
def form(site):
    """Return a form that stays open for as long as this module runs."""
    return site.form()


def tokens():
    """Generate tokens of the right length, damaged tokens and other texts. `%s` becomes a valid token."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    shaped = st.sampled_from([32, 40]).flatmap(lambda size: st.text(alphabet, min_size=size, max_size=size))
    return st.one_of(shaped, st.text(max_size=60).map(lambda text: quote(text, safe="")), st.just("%s"))


SEGMENT = st.one_of(
    st.sampled_from(["weekly", "sent", "lists", "..", ".", "%00", "%2F", "%ff", "", "a" * 3000]),
    st.text(max_size=20).map(lambda text: quote(text, safe="")),
)
PATHS = st.one_of(
    st.sampled_from(["/", "/healthz", "/lists/weekly", "/lists/weekly/sent", "*", "//", "/style-x.css"]),
    st.builds("/unsubscribe/weekly/{}".format, tokens()),
    st.builds("/confirm/weekly/{}".format, tokens()),
    st.builds("/preferences/{}".format, tokens()),
    st.builds("/lists/weekly/sent/{}".format, tokens()),
    st.builds("/lists/weekly/change/{}".format, tokens()),
    st.builds("/lists/{}".format, SEGMENT),
    st.lists(SEGMENT, max_size=5).map(lambda parts: "/" + "/".join(parts)),
)
QUERIES = st.one_of(
    st.just(""),
    st.sampled_from(["?lang=en", "?lang=nl", "?lang=xx", "?saved=1", "?lang=en&lang=%00", "?" + "a&" * 500]),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3).map(
        lambda found: "?" + urlencode(found)
    ),
)
FIELDS = ["email", "name", "form", "terms", "homepage", "lists", "shown", "lang", "List-Unsubscribe", "x"]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "weekly",
            "fuzz@example.net",
            "a@b\r\nBcc: c@d",
            "' OR 1=1 --",
            "<script>",
            "{{ 1 }}",
            "en",
            "STAMP",
            "TERMS",
        ]
    ),
)
# A valid form with any text as address and name. The test fills in the stamp and the digest of the consent text.
FILLED_IN = st.builds(
    lambda email, name: urlencode({"form": "STAMP", "terms": "TERMS", "email": email, "name": name}).encode(),
    st.one_of(TEXTS, st.emails()),
    TEXTS,
)
BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from(FIELDS), TEXTS), max_size=8).map(
        lambda pairs: urlencode(pairs).encode()
    ),
    st.just(b"List-Unsubscribe=One-Click"),
    FILLED_IN,
    st.sampled_from([b"a" * 17_000, b"&" * 3000, b"=%", b"%ff=%fe", b"email=%00"]),
)
VISIBLE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=30
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-Forwarded-For", "X-Forwarded-Proto", "Cookie", "Accept-Language", "Range", "If-None-Match", "Origin", "Forwarded",
         "Expect", "Upgrade", "Referer", "Accept", "Sec-Fetch-Site"]
    ),
    VISIBLE,
    max_size=3,
)  # fmt: skip
KINDS = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
        "",
        ";;",
        "text/plain",
    ]
)


def exchanged(site, sent, *, no_more=False):
    """Send a request on its own connection, and return the response.

    no_more: close the sending side after the request, because the request may be incomplete.
    """
    with socket.create_connection(site.address, 20) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(sent)
            if no_more:
                line.shutdown(socket.SHUT_WR)
        heard = b""
        with contextlib.suppress(ConnectionError):
            while part := line.recv(65536):
                heard += part
    return heard


def request(site, method, path, headers, body):
    host, port = site.address
    rows = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}:{port}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    rows += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(rows).encode("latin-1") + b"\r\n\r\n" + body


def is_in_order(answer):
    """Check that a response is valid, has the security headers, and contains no server error and no address."""
    status = HTTP.match(answer)
    assert status, answer[:100]
    assert int(status[1]) < 500, answer[:300]
    assert not ADDRESS.search(answer)
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"set-cookie" not in head
    if b"\r\ncontent-type: text/html" in head:
        assert b"\r\ncontent-security-policy: default-src 'none'; style-src 'self'" in head
        assert b"<script" not in answer.lower()


@SLOW
@given(
    method=st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"]),
    path=PATHS,
    query=QUERIES,
    headers=HEADERS,
    body=BODIES,
)
def test_no_get_request_changes_anything_even_with_a_valid_link(site, method, path, query, headers, body):
    before = site.dump()
    answer = exchanged(site, request(site, method, true(site, path) + query, headers, body))
    is_in_order(answer)
    assert site.dump() == before


def true(site, path):
    """Return the path with a valid token for %s."""
    if not path.endswith("/%s"):
        return path
    if path.startswith("/preferences"):
        return site.links.make_preferences_url(1).removeprefix(site.url)
    return site.links.make_unsubscribe_url("weekly", 1).removeprefix(site.url)


@SLOW
@given(path=PATHS, query=QUERIES, headers=HEADERS, kind=KINDS, body=BODIES)
def test_no_post_without_a_valid_link_changes_a_subscriber(site, path, query, headers, kind, body):
    before = readers(site)
    sent = request(site, "POST", path.replace("%s", "x"), {**headers, "Content-Type": kind}, body)
    is_in_order(exchanged(site, sent))
    assert readers(site) == before


@SLOW
@given(query=QUERIES, headers=HEADERS, kind=KINDS, body=BODIES)
def test_a_post_with_a_valid_link_never_fails_and_changes_only_that_subscriber(
    site, query, headers, kind, body
):
    before = [row for row in readers(site) if 1 not in row[:2]]
    for url in (site.links.make_preferences_url(1), site.links.make_unsubscribe_url("weekly", 1)):
        path = url.removeprefix(site.url) + query
        answer = exchanged(site, request(site, "POST", path, {**headers, "Content-Type": kind}, body))
        is_in_order(answer)
        if "unsubscribe" in path and len(body) < 16_000:
            assert answer.startswith(b"HTTP/1.1 200 ")
    assert [row for row in readers(site) if 1 not in row[:2]] == before


@SLOW
@given(body=FILLED_IN, query=QUERIES, headers=HEADERS)
def test_a_form_with_any_values_is_accepted_or_shown_again(site, form, body, query, headers):
    stamp = forms.make_stamp(site.links, "weekly", datetime.now(UTC) - timedelta(seconds=5))
    body = body.replace(b"STAMP", stamp.encode()).replace(b"TERMS", form["terms"].encode())
    before = readers(site)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = exchanged(site, request(site, "POST", f"/lists/weekly{query}", {**headers, **kind}, body))
    is_in_order(answer)
    # 303 is an accepted form. 200 and 422 show the form again, for example because of another language or an Origin header.
    assert answer.startswith((b"HTTP/1.1 303 ", b"HTTP/1.1 422 ", b"HTTP/1.1 200 "))
    assert readers(site) == before


def readers(site):
    """Return the people of the list and their states."""
    dump = site.dump()
    return [
        row for row in dump["subscribers"] + dump["subscriptions"] if set(row[:2]) & set(range(1, PEOPLE + 1))
    ]


@SLOW
@given(
    st.one_of(st.binary(max_size=500), st.binary(max_size=100).map(lambda rest: b"GET / HTTP/1.1\r\n" + rest))
)
def test_bytes_that_are_not_http_are_refused_or_ignored(site, sent):
    answer = exchanged(site, sent, no_more=True)
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:100]
    assert exchanged(site, request(site, "GET", "/healthz", {}, b"")).endswith(b"ok\n")


MALFORMED_RESTS = [
    [b"zz\r\n"],
    [b"5\r\nab", b"cdefgh\r\n"],
    [b"3\r\nabc\r\n", b"zz\r\n"],
    [b"8000\r\n" + b"a" * 0x8000 + b"\r\n", b"zz\r\n"],
    [b"0\r\n\r\n", b"\x00\xff\r\n\r\n"],
]


def test_a_malformed_chunk_writes_nothing_to_the_log(tmp_path):
    """The rest of a request may be malformed after its response has begun, or after a HEAD."""
    here = project(tmp_path)
    here.add_readers(1)
    with serve_site(here) as site:
        host, port = site.address
        for method, path in (
            ("POST", "/unsubscribe/weekly/x"),
            ("POST", "/nowhere"),
            ("HEAD", "/lists/weekly"),
        ):
            for parts in MALFORMED_RESTS:
                with socket.create_connection((host, port), 20) as line:
                    head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nTransfer-Encoding: chunked\r\n\r\n"
                    with contextlib.suppress(OSError):
                        line.sendall(head.encode())
                        for part in parts:
                            time.sleep(0.05)
                            line.sendall(part)
                        answer = line.recv(65536)
                        assert answer.startswith(b"HTTP/1.1 4") or method == "HEAD"
        assert exchanged(site, request(site, "GET", "/healthz", {}, b"")).endswith(b"ok\n")
        site.process.terminate()
        log = site.process.communicate(timeout=20)[1].decode().splitlines()
    assert [line for line in log if "Serving" not in line] == ["The server has stopped."]
