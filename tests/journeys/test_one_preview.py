"""The preview as the editor's browser asks for it."""

import re
import socket
import urllib.error
import urllib.request

import pytest

from tests.projects import ISSUE, folder


@pytest.fixture
def preview(tmp_path):
    """A running preview of the sample issue: its folder and its address."""
    project = folder(tmp_path)
    process = project.start("preview", ISSUE, "--no-open")
    try:
        line = process.stderr.readline().decode()
        yield project, re.search(r"http://127\.0\.0\.1:\d+", line).group()
    finally:
        process.terminate()
        process.communicate(timeout=10)


def get(url: str, host: str = "") -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def test_the_mail_its_text_and_its_source_are_shown_and_follow_the_file(preview):
    project, url = preview
    code, headers, page = get(url)
    assert (code, "MOZa Weekly 14 januari 2026" in page) == (200, True)
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in get(f"{url}/issue.html")[1]["content-security-policy"]
    assert "Algemeen\n--------" in get(f"{url}/issue.txt")[2]
    assert get(f"{url}/issue.eml")[2].startswith("From: MOZa Weekly")
    assert get(f"{url}/issue.ics")[2].startswith("BEGIN:VCALENDAR")
    assert get(f"{url}/../moza-mail.toml")[0] == 404
    issue = project.path / ISSUE
    issue.write_text(issue.read_text().replace("title: MOZa Weekly", "title: Nieuw"))
    assert "Nieuw 14 januari 2026" in get(f"{url}/issue.html")[2]


def test_a_mistake_is_shown_with_its_line(preview):
    project, url = preview
    issue = project.path / ISSUE
    issue.write_text(issue.read_text() + "\n{{< tweet 1 >}}\n")
    code, _, page = get(url)
    assert code == 200
    assert "the shortcode `tweet` is not known" in page
    assert get(f"{url}/issue.html")[0] == 422


def test_only_this_machine_can_look_and_only_by_its_own_name(preview):
    _, url = preview
    assert get(url, host="weekly.example.org")[0] == 400
    with socket.socket() as probe:
        assert probe.connect_ex((socket.gethostbyname("localhost"), int(url.rpartition(":")[2]))) == 0


def test_a_port_in_use_is_said(preview):
    project, url = preview
    done = project.run("preview", ISSUE, "--no-open", "--port", url.rpartition(":")[2])
    assert done.code == 2
    assert "--port" in done.err
