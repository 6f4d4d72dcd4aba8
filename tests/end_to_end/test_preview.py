"""The editor, as the author's browser requests it from `moza-mail preview`."""

import http.cookiejar
import json
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.support.editor import run_editor
from tests.support.project_folder import ISSUE, folder


@pytest.fixture
def preview(tmp_path):
    """Run the preview of the sample issue. Yield its folder, its URL and a browser with the access cookie."""
    project = folder(tmp_path)
    with run_editor(project) as url:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        browser = urllib.request.build_opener(jar)
        browser.open(url, timeout=10).close()
        yield project, f"http://{urlsplit(url).netloc}", browser


def get(browser, url, host=""):
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with browser.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_page_without_scripts_shows_the_mail_its_text_and_its_findings_from_the_saved_file(preview):
    project, url, browser = preview
    code, page = get(browser, f"{url}/issue/{ISSUE}")
    assert code == 200
    assert "MOZa Weekly 14 januari 2026" in page
    assert "Algemeen\n--------" in page
    assert "client-score" not in page
    key = page.partition("/mail/")[2].partition("?")[0]
    assert "<h1" in get(browser, f"{url}/mail/{key}")[1]
    assert get(browser, f"{url}/part/{key}/source")[1].startswith("From: MOZa Weekly")
    assert get(browser, f"{url}/part/{key}/calendar")[1].startswith("BEGIN:VCALENDAR")
    issue = project.path / ISSUE
    issue.write_text(issue.read_text().replace("title: MOZa Weekly", "title: Nieuw"))
    assert "Nieuw 14 januari 2026" in get(browser, f"{url}/issue/{ISSUE}")[1]


def test_an_error_is_shown_with_its_line_and_the_last_good_mail_stays(preview):
    project, url, browser = preview
    get(browser, f"{url}/issue/{ISSUE}")
    issue = project.path / ISSUE
    issue.write_text(issue.read_text() + "\n{{< gallery 1 >}}\n")
    line = issue.read_text().count("\n")
    code, page = get(browser, f"{url}/issue/{ISSUE}")
    assert code == 200
    assert "de shortcode `gallery` is onbekend" in page
    assert f"{ISSUE}, regel {line}" in page
    assert "/mail/" in page


def test_an_open_page_is_notified_of_a_saved_file(preview):
    project, url, browser = preview
    with browser.open(f"{url}/events", timeout=10) as stream:
        assert stream.readline() == b"retry: 500\n"
        issue = project.path / ISSUE
        issue.write_text(issue.read_text() + "\nNog iets.\n")
        told = [stream.readline().decode().strip() for _ in range(3)]
    assert told[1] == "event: issue"
    assert json.loads(told[2].partition(": ")[2]) == {"name": ISSUE}


def test_a_new_folder_is_watched_and_no_later_change_is_missed(preview):
    project, url, browser = preview
    with browser.open(f"{url}/events", timeout=10) as stream:
        assert stream.readline() == b"retry: 500\n"

        def told():
            return next(line for line in iter(stream.readline, b"") if line.startswith(b"event: ")).split()[1]

        assert project.run("send", ISSUE, "--test", "a@example.org").code == 0
        while told() != b"outbox":
            pass
        (project.path / "templates/moza").mkdir(parents=True)
        while told() != b"render":
            pass
        issue = project.path / ISSUE
        issue.write_text(issue.read_text() + "\nNog iets.\n")
        while told() != b"issue":
            pass


def test_the_preview_is_only_open_to_this_machine_with_the_key(preview):
    _, url, browser = preview
    assert get(browser, url, host="weekly.example.org")[0] == 400
    assert get(urllib.request.build_opener(), f"{url}/issue/{ISSUE}")[0] == 403
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


def test_a_port_in_use_is_reported(preview):
    project, url, _ = preview
    done = project.run("preview", ISSUE, "--no-open", "--port", str(urlsplit(url).port))
    assert done.code == 2
    assert "--port" in done.err
