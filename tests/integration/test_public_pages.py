"""The public pages over real HTTP, as mail programs, link scanners, monitors and attackers request them."""

import json
import re
import signal
import socket
import time

import pytest
from PIL import Image

from tests.support.project_folder import ISSUE, ROOT
from tests.support.public_site import project, serve_site
from tests.support.smtp_servers import LOOPBACK, free_port

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("site"))
    here.add_readers(40)
    with serve_site(here) as site:
        yield site


@pytest.fixture
def web(site):
    with site.client() as web:
        yield web


def leaving(site, number):
    return site.links.make_unsubscribe_url("weekly", number)


def test_opening_the_unsubscribe_page_changes_nothing_and_its_button_unsubscribes(site, web):
    before = site.dump()
    page = web.get(leaving(site, 1))
    assert web.head(leaving(site, 1)).status_code == page.status_code == 200
    assert '<form method="post"' in page.text
    assert site.dump() == before
    left = web.post(leaving(site, 1))
    assert left.status_code == 200
    assert "Je bent afgemeld" in left.text
    assert site.state("lezer0@example.org") == "unsubscribed"


@pytest.mark.parametrize(
    "sent",
    [
        {"data": ONE_CLICK},
        {"content": MULTIPART, "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ],
    ids=["urlencoded", "multipart"],
)
def test_one_click_unsubscribes_at_once_without_cookie_redirect_or_login_and_can_be_repeated(site, web, sent):
    number = 2 if "data" in sent else 3
    first, second = (web.post(leaving(site, number), **sent) for _ in range(2))
    for answer in (first, second):
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert first.text == second.text
    assert site.state(f"lezer{number - 1}@example.org") == "unsubscribed"


def test_one_click_for_an_unknown_subscriber_gets_the_same_answer(site, web):
    known, gone = (web.post(leaving(site, number), data=ONE_CLICK) for number in (4, 987_654))
    assert (known.status_code, known.text) == (gone.status_code, gone.text)
    assert known.status_code == 200


def test_every_forged_link_gets_the_same_error_page(site, web):
    other = site.links.make_token("confirm", "weekly", 5)
    token = leaving(site, 5).rpartition("/")[2]
    forged = [other, token[:-1], token[:-2] + "AA", token.swapcase(), "x", "%00", "a" * 5000]
    answers = {web.get(f"/unsubscribe/weekly/{each}").text for each in forged}
    posts = [web.post(f"/unsubscribe/weekly/{each}", data=ONE_CLICK) for each in forged]
    assert {each.status_code for each in posts} == {404}
    assert len(answers) == 1
    assert "Deze link werkt niet" in answers.pop()
    assert web.post(f"/unsubscribe/another/{token}").status_code == 404
    assert site.state("lezer4@example.org") == "confirmed"


def test_every_response_has_the_security_headers_and_no_cookie(site, web):
    answers = [
        web.get(path) for path in ("/", "/healthz", "/nowhere", "/unsubscribe/weekly/x", leaving(site, 6))
    ]
    answers += [web.post("/healthz"), web.request("TRACE", "/"), web.get("/", headers={"Host": "evil.test"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
        assert "http://" not in answer.text.replace(site.url, "")


def test_the_style_sheet_has_the_theme_colours_and_is_cached_by_the_browser(web, site):
    page = web.get(leaving(site, 6)).text
    name = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = web.get(name)
    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in style.headers["cache-control"]
    assert "url(" not in style.text
    assert "#154273" in style.text


def test_another_host_name_is_refused_except_for_the_health_check(web):
    assert web.get("/", headers={"Host": "evil.test"}).status_code == 421
    assert web.get("/healthz", headers={"Host": "localhost"}).text == "ok\n"


def test_a_post_of_ten_megabytes_is_refused_before_it_is_read(site):
    host, port = site.url.removeprefix("http://").split(":")
    path = leaving(site, 7).removeprefix(site.url)
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 10000000\r\n\r\n".encode()
        )
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")
        rest = b"more"
        while rest:
            rest = line.recv(65536)
    chunked = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(chunked + b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert site.state("lezer6@example.org") == "confirmed"


def test_a_request_with_too_long_headers_is_refused(site):
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"a" * 40_000)
        assert line.recv(65536).startswith(b"HTTP/1.1 4")


def test_with_a_path_in_public_url_all_pages_are_below_it(tmp_path):
    here = project(tmp_path)
    here.add_readers(1)
    with serve_site(here, path="/nieuws") as site, site.client() as web:
        assert web.get("/healthz").text == "ok\n"
        page = web.get(leaving(site, 1)).text
        assert 'href="/nieuws/style-' in page
        assert web.post(leaving(site, 1), data=ONE_CLICK).status_code == 200
        assert web.get("/").headers["location"] == "/nieuws/lists/weekly"
        assert web.get(site.url).status_code == 302
        assert web.get(site.url.removesuffix("/nieuws") + "/healthz").status_code == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stop_finishes_open_requests_and_gives_exit_code_0(tmp_path, number):
    here = project(tmp_path)
    here.add_readers(1)
    with serve_site(here) as site:
        host, port = site.url.removeprefix("http://").split(":")
        path = leaving(site, 1).removeprefix(site.url)
        with socket.create_connection((host, int(port)), 10) as line:
            line.sendall(
                f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 26\r\n\r\n".encode()
            )
            time.sleep(0.3)
            site.process.send_signal(number)
            time.sleep(0.3)
            line.sendall(b"List-Unsubscribe=One-Click")
            assert line.recv(65536).startswith(b"HTTP/1.1 200 ")
        out, err = site.process.communicate(timeout=20)
        assert (site.process.returncode, out) == (0, b"")
        assert err.decode().splitlines()[-1] == "The server has stopped."
        assert site.state("lezer0@example.org") == "unsubscribed"


def test_systemd_is_notified_when_the_pages_are_served(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with serve_site(project(tmp_path)) as site, site.client() as web:
            assert systemd.recv(100) == b"READY=1"
            assert web.get("/healthz").text == "ok\n"


def test_a_missing_setting_or_used_port_is_reported_before_serving(tmp_path):
    here = project(tmp_path)
    here.set(public_url="")
    refused = here.run("serve")
    assert refused.code == 2
    assert "public_url" in refused.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here.set(public_url="https://nieuwsbrief.example.org")
        port = taken.getsockname()[1]
        refused = here.run("serve", "--port", str(port))
        assert refused.code == 2
        assert str(port) in refused.err
    assert json.dumps(refused.out) == '""'


@pytest.mark.parametrize("path", ["", "/nieuws"])
def test_sent_issues_are_online_at_the_url_in_the_mail_and_unsent_ones_are_not(tmp_path, path):
    here = project(tmp_path)
    here.add_readers(1)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}{path}"
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(f'{lists.read_text()}\narchive_url = "{url}/weekly/"\n')
    here.set(view_url=f"{url}/weekly/{{slug}}/", public_url=url)
    with serve_site(here, path=path, port=port) as site, site.client(follow_redirects=True) as web:
        assert "2026-01-14/" not in web.get("/weekly/").text
        assert web.get("/weekly/2026-01-14/").status_code == 404
        assert here.run("send", ISSUE, "--yes").code == 0
        mail = here.outbox()[-1].get_body(("plain",)).get_content()
        online = re.search(rf"{re.escape(url)}/weekly/\S+", mail)[0]
    with serve_site(here, path=path, port=port) as site, site.client(follow_redirects=True) as web:
        page = web.get(online)
        assert page.status_code == 200
        assert "<h1" in page.text
        assert "unsubscribe/weekly" not in page.text
        assert page.headers["content-security-policy"].count("default-src") == 1
        assert web.get("/weekly").url.path == f"{path}/weekly/"
        assert "2026-01-14/" in web.get("/weekly/").text
        assert web.get("/weekly/feed.xml").headers["content-type"].startswith("application/atom+xml")
        assert "Deze pagina bestaat niet" in web.get("/weekly/2026-01-15/").text
        assert f"{url}/weekly/" in web.get("/lists/weekly").text


def test_the_logo_of_a_custom_theme_is_on_the_pages(tmp_path):
    here = project(tmp_path)
    own = here.path / "templates" / "huis"
    (own / "assets").mkdir(parents=True)
    Image.new("RGB", (120, 40), "#154273").save(own / "assets" / "logo.png")
    moza = (ROOT / "templates/moza/theme.toml").read_text()
    (own / "theme.toml").write_text(moza + '\n[logo]\nfile = "assets/logo.png"\nalt = "Ons huis"\n')
    here.set(theme="huis")
    with serve_site(here) as site, site.client() as web:
        page = web.get("/lists/weekly").text
        source = re.search(r'<img src="([^"]+)" alt="Ons huis" width="120" height="40">', page)[1]
        assert web.get(source).headers["content-type"] == "image/png"
