"""`check --links`: its findings, its cache, and the hosts that it never contacts."""

import asyncio
import io
import json
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from ipaddress import ip_address, ip_network

import pytest

from moza_mail import check
from moza_mail.cli import check as command
from moza_mail.link_check import LinkClient
from moza_mail.link_check.resolve import DnsUnavailable
from moza_mail.project import find_project
from tests.support.http_server import LOOPBACK, WebServer, answer, redirect, run_web_server
from tests.support.project_folder import Result, folder

HEAD = "---\ntitle: MOZa Weekly 21 januari 2026\ndate: 2026-01-21\n---\n\n## Algemeen\n\n"
SCRIPT = {
    "/goed": answer(200),
    "/dicht": answer(401),
    "/verhuisd": redirect(301, "/goed"),
    "/binnen": redirect(302, "http://10.0.0.1/"),
}


@contextmanager
def serve_links():
    """Run the scripted server in its own thread, because a command runs its own event loop."""
    ready, done, given = threading.Event(), threading.Event(), []

    async def main():
        async with run_web_server(SCRIPT) as server:
            given.append(server)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert ready.wait(5)
        yield given[0]
    finally:
        done.set()
        thread.join(timeout=60)


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def write(project, *links: tuple[str, str]) -> str:
    rows = "".join(f"- [{text}]({url})\n" for text, url in links)
    (project.path / "issues/2026-01-21.md").write_text(HEAD + rows, encoding="utf-8")
    return "issues/2026-01-21.md"


async def on_loopback(host, port):
    return (ip_address(LOOPBACK if host.endswith(".test") else host),)


def check_links(project, issue: str, *, as_json: bool = True, resolver=on_loopback) -> Result:
    """Run `check --links` with loopback allowed, which no setting of a project or the environment can do."""
    request = command.CheckCommand(
        issue=str(project.path / issue), list_slug="", strict=False, links=True, as_json=as_json
    )
    asker = LinkClient(allowed_networks=(ip_network("127.0.0.0/8"),), resolver=resolver, timeout_seconds=5)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = command.check(find_project(project.path), request, asker)
    return Result(code=code, out=out.getvalue(), err=err.getvalue())


def links_of(server: WebServer) -> list[tuple[str, str]]:
    return [
        (f"Pagina {name}", server.url(f"/{name}", "www.web.test"))
        for name in ("goed", "weg", "dicht", "verhuisd", "binnen")
    ]


def link_findings(done: Result) -> list[tuple[int, str]]:
    """Return the line and rule of the findings of the link check."""
    names = {rule.name for rule in check.list_link_rules()}
    return [(each["line"], each["rule"]) for each in done.json["findings"] if each["rule"] in names]


def test_the_response_of_each_linked_page_gives_a_finding(project):
    with serve_links() as server:
        done = check_links(project, write(project, *links_of(server)))
    assert done.code == 3
    assert [said["state"] for said in done.json["links"]] == [
        *("ok", "broken", "needs login", "ok", "refused"),
    ]
    assert dict(link_findings(done)) == {
        9: "dead-link",
        10: "login-link",
        11: "moved-link",
        12: "private-address",
    }
    assert (
        done.err
        == "5 links requested, 0 remembered from the last day: 2 ok, 1 broken, 1 needs login, 1 refused.\n"
    )


def test_a_second_check_requests_only_links_with_an_uncertain_result(project):
    with serve_links() as server:
        issue = write(project, *links_of(server))
        first = check_links(project, issue)
        count = len(server.requests)
        again = check_links(project, issue)
        lines = server.lines[count:]
    assert lines == ["HEAD /binnen"]
    assert again.json["findings"] == first.json["findings"]
    assert [said["cached"] for said in again.json["links"]] == [True, True, True, True, False]
    assert (project.path / ".moza-mail" / ".gitignore").read_text() == "*\n"
    assert "4 remembered" in again.err


def test_the_text_output_has_line_and_fix(project):
    with serve_links() as server:
        done = check_links(project, write(project, links_of(server)[1]), as_json=False)
    assert done.code == 3
    assert "2026-01-21.md:8: the link http://www.web.test" in done.out
    assert "answers 404 (Not Found) [dead-link]" in done.out


def test_being_offline_is_one_warning_and_nothing_is_cached(project):
    async def silent(host, port):
        raise DnsUnavailable

    issue = write(project, *((f"Pagina {number}", f"https://web{number}.test/") for number in range(20)))
    done = check_links(project, issue, resolver=silent)
    assert done.code == 0
    assert link_findings(done) == [(0, "no-network")]
    assert json.loads((project.path / ".moza-mail" / "links.json").read_text())["answers"] == {}


def test_the_command_requests_no_private_address(project):
    with serve_links() as server:
        issue = write(project, ("Ons concept", f"http://{LOOPBACK}:{server.port}/goed"))
        done = project.run("check", issue, "--links", "--json")
        assert server.requests == []
    assert [said["state"] for said in done.json["links"]] == ["refused"]


def test_without_the_option_links_no_request_is_made(project):
    done = project.run("check", write(project, ("Ons concept", f"http://{LOOPBACK}:1/")), "--json")
    assert "links" not in done.json
    assert not (project.path / ".moza-mail").exists()


def test_an_issue_without_links_makes_no_request(project):
    done = project.run("check", write(project), "--links")
    assert "No link to check." in done.err


def test_a_link_rule_can_be_disabled(project):
    settings = project.path / "moza-mail.toml"
    before = settings.read_text()
    table = before if "[check]" in before else f"{before}\n[check]\n"
    rows = [row for row in table.split("\n") if not row.startswith("disabled")]
    settings.write_text("\n".join(rows).replace("[check]", '[check]\ndisabled = ["dead-link"]'))
    with serve_links() as server:
        done = check_links(project, write(project, links_of(server)[1]))
    assert link_findings(done) == []
    assert done.code == 0
