"""The editor's application over HTTP: access, pages, and the views of a mail."""

import re
from pathlib import Path

import pytest

from moza_mail.web.editor import ClientView, ColourScheme, apply_client_view
from tests.support.editor import HOST, JSON, client_for, editor_routes, open_client, open_session, preview
from tests.support.project_folder import ISSUE, folder

STATIC = Path(__file__).parents[2] / "moza_mail/web/editor/static"
POSTS = [
    "/api/preview",
    "/api/test",
    "/api/save",
    "/api/edit",
    "/api/outline",
    "/api/difference",
    "/api/paste",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("project"))


@pytest.fixture
def browser(project):
    return open_client(project.path)


def test_the_key_in_the_printed_url_opens_the_editor_and_disappears_from_the_url(project):
    stranger = open_client(project.path, entered=False)
    assert stranger.get("/").status_code == 403
    assert stranger.get(f"/issue/{ISSUE}").status_code == 403
    assert stranger.get("/?key=guess").status_code == 403
    entered = stranger.get("/?key=entry")
    assert entered.status_code == 200
    assert 'content="0; url=/"' in entered.text
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize(
    "host", ["weekly.example.org", "127.0.0.1.example.org", "", "[::1]:8123", "127.0.0.1@x"]
)
def test_another_host_name_for_this_machine_is_refused(browser, host):
    assert browser.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("path", POSTS)
def test_a_request_from_another_site_or_without_the_token_changes_nothing(browser, path):
    sent = {"name": ISSUE, "reader": "", "key": "", "address": "a@example.org"}
    for headers in (
        {"Origin": "http://example.org", "X-Editor-Token": "token"},
        {"Origin": "null", "X-Editor-Token": "token"},
        {"Origin": "http://127.0.0.1:9999", "X-Editor-Token": "token"},
        {"Origin": f"http://{HOST}"},
        {"Origin": f"http://{HOST}", "X-Editor-Token": "guess"},
    ):
        assert browser.post(path, json=sent, headers=headers).status_code == 403, headers


def test_only_the_listed_routes_accept_post(project):
    acting = {path for path, methods in editor_routes(project.path) if "POST" in methods}
    assert acting == set(POSTS)
    assert all(methods <= {"GET", "HEAD", "POST"} for _, methods in editor_routes(project.path))


def test_a_body_that_is_too_large_or_not_json_is_refused(browser):
    long = browser.post("/api/preview", content=b"x" * 2_100_000, headers=JSON)
    assert long.status_code == 413
    for content in (b"{", b"[]", b"3", b'{"name": 3}', b"[" * 100_000, b"\xff"):
        assert browser.post("/api/preview", content=content, headers=JSON).status_code == 400, content[:9]


@pytest.mark.parametrize(
    "path",
    [
        "/issue/moza-mail.toml",
        "/issue/../moza-mail.toml",
        "/issue/issues/%2e%2e/moza-mail.toml",
        "/issue/%2fetc%2fpasswd",
        "/static/..%2fguard.py",
        "/static/guard.py",
        "/outbox/..%2f..%2fmoza-mail.toml",
        "/outbox-mail/%2e%2e%2fsecret.eml",
        "/mail/nokey",
        "/part/nokey/text",
        "/nowhere",
    ],
)
def test_only_issues_and_outbox_messages_can_be_read(browser, path):
    assert browser.get(path).status_code == 404


def test_every_page_runs_only_its_own_scripts_and_the_mail_runs_none(browser):
    page = browser.get(f"/issue/{ISSUE}")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert " style=" not in page.text.partition("<body")[2]
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", page.text)
    mail = browser.get(f"/mail/{preview(browser)['key']}")
    policy = mail.headers["content-security-policy"]
    assert "sandbox allow-same-origin" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    for answer in (page, mail, browser.get("/static/editor.js"), browser.get("/nowhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_unsaved_text_is_previewed_and_an_error_keeps_the_last_good_mail(project, browser):
    text = (project.path / ISSUE).read_text()
    good = preview(browser, text.replace("title: MOZa", "title: Getypt"))
    assert good["title"] == "Getypt Weekly 14 januari 2026"
    bad = preview(browser, text + "\n{{< gallery 1 >}}\n")
    assert bad["has_problem"]
    assert bad["key"] == good["key"]
    assert "gallery" in bad["html"]
    assert (project.path / ISSUE).read_text() == text


def test_text_quoted_at_the_beginning_of_a_finding_keeps_its_lower_case(browser, project):
    text = (project.path / ISSUE).read_text()
    faulty = preview(browser, text + "\n## Nieuws\n\nBeste [naam], er is nieuws.\n")["key"]
    html = browser.get(f"/api/findings/{faulty}").json()["html"]
    assert '<span class="message quoting" lang="nl">&#39;[naam]&#39; is ' in html


def test_findings_and_errors_are_in_the_language_of_the_editor(browser, project):
    text = (project.path / ISSUE).read_text()
    faulty = preview(browser, text + "\n## Nieuws\n")["key"]
    english = {"Accept-Language": "en"}
    dutch = browser.get(f"/api/findings/{faulty}").json()["html"]
    assert '<span class="message" lang="nl">het deel &#39;Nieuws&#39; is leeg</span>' in dutch
    assert '<span class="fix" lang="nl">Schrijf iets onder de kop, of haal de kop weg.</span>' in dutch
    told = browser.get(f"/api/findings/{faulty}", headers=english).json()["html"]
    assert '<span class="message" lang="en">the section &#39;Nieuws&#39; is empty</span>' in told
    asked = {"name": ISSUE, "recipient": "", "text": text.replace("date: 2026", "date: 14 jan 2026")}
    bad = browser.post("/api/preview", json=asked, headers=JSON).json()
    assert "schrijf die als 2026-01-14" in bad["message"]
    assert '<span lang="nl">`date` is' in bad["html"]
    bad = browser.post("/api/preview", json=asked, headers=JSON | english).json()
    assert "write it as 2026-01-14" in bad["message"]
    assert '<span lang="en">`date` is' in bad["html"]


def test_a_text_without_a_translation_is_english_and_marked_as_english(tmp_path):
    project = folder(tmp_path)
    own = project.path / "templates/moza/issue.txt"
    own.parent.mkdir(parents=True)
    own.write_text("{{ nergens }} {{ unsubscribe_url }}\n")
    assert '<span lang="en">&#39;nergens&#39; is undefined' in preview(open_client(project.path))["html"]


def test_a_faulty_template_is_reported_with_its_line_until_it_is_fixed(tmp_path):
    project = folder(tmp_path)
    browser = open_client(project.path)
    good = preview(browser)["key"]
    own = project.path / "templates/moza/issue.txt"
    own.parent.mkdir(parents=True)
    own.write_text("{{ issue.title }}\n\n{{ nergens }}\n{{ unsubscribe_url }}\n")
    bad = preview(browser)
    assert bad["key"] == good
    assert "issue.txt, regel 3" in re.sub(r"<[^>]+>", "", bad["html"])
    own.write_text("{{ issue.title }}\n{{ unsubscribe_url }}\n")
    assert not preview(browser)["has_problem"]


def test_invalid_settings_are_reported_and_corrected_settings_take_effect(tmp_path):
    project = folder(tmp_path)
    session = open_session(project.path)
    browser = client_for(session)
    project.set(theme="default")
    session.reload()
    assert not preview(browser)["has_problem"]
    project.set(nonsense=True)
    session.reload()
    assert "nonsense" in preview(browser)["html"]
    project.set(nonsense=None)
    config = project.path / "moza-mail.toml"
    config.write_text(config.read_text().replace("nonsense = null\n", ""))
    session.reload()
    assert not preview(browser)["has_problem"]


def test_the_preview_for_a_subscriber_has_their_values_and_names_missing_ones(tmp_path):
    project = folder(tmp_path)
    (project.path / "readers.csv").write_text(
        "email,name,plaats\nzoe@example.org,Zoë,Zwolle\njan@example.org,Jan,\n"
    )
    lists = project.path / "subscribers/lists.toml"
    lists.write_text(lists.read_text() + 'attributes = ["plaats"]\n')
    assert project.run("subscribers", "import", "--yes", "readers.csv", "--consent", "test").code == 0
    text = (
        (project.path / ISSUE)
        .read_text()
        .replace("## Algemeen", "Dag {{ name }} uit {{ plaats }}\n\n## Algemeen")
    )
    browser = open_client(project.path)
    own = preview(browser, text, reader="zoe@example.org")
    assert "Dag Zoë uit Zwolle" in browser.get(f"/part/{own['key']}/text").text
    assert "zoe@example.org" in browser.get(f"/part/{own['key']}/headers").text
    assert (own["missing"], own["unknown"]) == ([], False)
    assert preview(browser, text, reader="jan@example.org")["missing"] == ["plaats"]
    for nobody in ("niemand@example.org", "geen adres"):
        assert preview(browser, text, reader=nobody)["unknown"]
    found = browser.get(f"/api/recipients?name={ISSUE}&query=zo").json()
    assert found == [{"address": "zoe@example.org", "name": "Zoë"}]
    invented = preview(browser, text)["key"]
    leave = re.compile(r"https://nieuwsbrief\.example\.org/\S+")
    links = {leave.search(browser.get(f"/part/{key}/text").text)[0] for key in (own["key"], invented)}
    assert len(links) == 1


def test_a_hostile_message_in_the_outbox_is_shown_and_does_nothing(tmp_path):
    project = folder(tmp_path)
    new = project.path / "outbox/new"
    new.mkdir(parents=True)
    (new / "a.eml").write_bytes(
        b"From: <script>alert(1)</script>\r\nSubject: =?utf-8?q?<b>_=FF?=\r\nTo: \r\nContent-Type: text/html; charset=nowhere\r\n\r\n"
        b"<script>alert(1)</script><img src=http://example.org/x onerror=alert(1)>"
    )
    (new / "b.eml").write_bytes(b"\xff\x00 no message at all")
    (new / "c.eml").symlink_to(project.path / "moza-mail.toml")
    browser = open_client(project.path)
    assert browser.get("/outbox").status_code == 200
    for name in ("a.eml", "b.eml"):
        for part in ("mail", "text", "source", "headers", "calendar"):
            page = browser.get(f"/outbox/{name}?part={part}")
            assert page.status_code == 200
            assert "<script>alert" not in page.text
    shown_mail = browser.get("/outbox-mail/a.eml")
    assert "default-src 'none'" in shown_mail.headers["content-security-policy"]
    assert browser.get("/outbox/c.eml").status_code == 404


def test_html_in_a_title_is_shown_as_text(browser, project):
    hostile = project.path / "issues" / "2026-02-01.md"
    hostile.write_text("---\ntitle: '\"&amp; {{ name }} </title>'\ndate: 2026-02-01\n---\n\nTekst.\n")
    try:
        page = browser.get("/issue/issues/2026-02-01.md").text
    finally:
        hostile.unlink()
    assert "</title>'" not in page.partition("<body")[2]
    assert page.count("</title>") == 1


def test_the_editor_uses_the_language_of_the_browser_until_another_is_chosen(browser):
    page = f"/issue/{ISSUE}"
    assert '<html lang="nl"' in browser.get(page).text
    assert '<html lang="en"' in browser.get(page, headers={"Accept-Language": "en-GB,nl;q=0.5"}).text
    chosen = browser.get("/choose?lang=en&scheme=dark&to=//example.org/x")
    assert chosen.headers["location"] == "/x"
    assert '<html lang="en" data-scheme="dark"' in browser.get(page, headers={"Accept-Language": "nl"}).text


def test_without_issues_the_editor_explains_how_to_begin(tmp_path):
    project = folder(tmp_path)
    (project.path / ISSUE).unlink()
    assert "issues/" in open_client(project.path).get("/").text


def test_the_list_and_the_page_show_if_an_issue_is_approved_changed_or_sent(tmp_path):
    project = folder(tmp_path)
    project.add_readers(2)
    browser = open_client(project.path)

    def states():
        page = browser.get(f"/issue/{ISSUE}").text
        card, head = page.partition('id="issues"')[2], page.partition('id="status"')[2]
        return [re.search(r'badge (\w+)"', part)[1] for part in (card, head)], head.partition(
            "</span></span>"
        )[0]

    assert states()[0] == ["draft", "draft"]
    assert project.run("approve", ISSUE, "--as", "Noor", "--yes").code == 0
    shown, said = states()
    assert shown == ["approved", "approved"]
    assert "door Noor op " in said
    issue = project.path / ISSUE
    text = issue.read_text()
    issue.write_text(text.replace("oliebollen", "wafels"))
    shown, said = states()
    assert shown == ["changed", "changed"]
    assert "sinds de goedkeuring door Noor" in said
    issue.write_text(text)
    typed = preview(browser, text.replace("oliebollen", "wafels"))["key"]
    assert "changed" in browser.get(f"/api/findings/{typed}").json()["status"]
    assert project.run("send", ISSUE, "--yes").code == 0
    assert states()[0] == ["sent", "sent"]


def saved(browser, text, digest):
    asked = {"name": ISSUE, "text": text, "digest": digest}
    return browser.post("/api/save", json=asked, headers=JSON)


def test_a_save_never_overwrites_other_changes_and_keeps_line_endings_and_permissions(tmp_path):
    project = folder(tmp_path)
    issue = project.path / ISSUE
    issue.write_bytes(b"\xef\xbb\xbf" + issue.read_bytes().replace(b"\n", b"\r\n"))
    issue.chmod(0o640)
    before = issue.read_bytes()
    browser = open_client(project.path)
    source = browser.get(f"/api/source?name={ISSUE}").json()
    assert "\r" not in source["text"]
    assert "\ufeff" not in source["text"]
    new = source["text"].replace("oliebollen", "wafels")
    first = saved(browser, new, source["digest"])
    assert first.status_code == 200
    assert issue.read_bytes() == before.replace(b"oliebollen", b"wafels")
    assert issue.stat().st_mode & 0o777 == 0o640
    second = saved(browser, source["text"], source["digest"])
    assert second.status_code == 409
    assert second.json()["current"] == new
    assert "wafels" in second.json()["html"]
    assert issue.read_bytes() == before.replace(b"oliebollen", b"wafels")
    assert [path.name for path in issue.parent.iterdir()] == [issue.name]


def test_a_failed_save_gives_the_reason_and_does_not_change_the_file(tmp_path, monkeypatch):
    project = folder(tmp_path)
    browser = open_client(project.path)
    source = browser.get(f"/api/source?name={ISSUE}").json()
    before = (project.path / ISSUE).read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    answer = saved(browser, "nieuw", source["digest"])
    assert "de schijf is vol" in answer.json()["error"]
    assert (project.path / ISSUE).read_bytes() == before
    assert [path.name for path in (project.path / "issues").iterdir()] == [ISSUE.rpartition("/")[2]]


def test_the_api_moves_a_part_and_sets_a_key_or_gives_the_reason(browser, project):
    text = (project.path / ISSUE).read_text()

    def edit(**what):
        return browser.post("/api/edit", json={"name": ISSUE, "text": text, **what}, headers=JSON)

    start = text.index("## Profiel")
    assert edit(start=start, by=-1).json()["text"].index("## Profiel") < text.index("## Algemeen") + 5
    assert "dit onderdeel" in edit(start=start + 1, by=-1).json()["error"]
    assert edit(key="title", value="T").json()["text"] == text.replace(
        "MOZa Weekly 14 januari 2026\n", "T\n", 1
    )
    for wrong in ({"key": "tags", "value": "x"}, {"start": "1", "by": 1}, {"start": 1, "by": 10**9}, {}):
        assert edit(**wrong).status_code == 400


MAIL = (
    '<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark">'
    "<style>:root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { p { color: #ffffff } }</style></head>"
    '<body bgcolor="#ffffff"><p style="color:#000000">a #ffffff b</p><img src="data:image/png;base64,AA" alt="Kat"></body></html>'
)


def test_each_client_view_shows_the_mail_as_such_a_program_does():
    dark = apply_client_view(MAIL, ClientView(scheme=ColourScheme.DARK))
    assert "@media (min-width: 0) { p" in dark
    assert 'content="dark"' in dark
    light = apply_client_view(MAIL, ClientView())
    assert "@media (max-width: 0) { p" in light
    assert "<style" not in apply_client_view(MAIL, ClientView(styles=False))
    assert "base64" not in apply_client_view(MAIL, ClientView(images=False))
    assert 'alt="Kat"' in apply_client_view(MAIL, ClientView(images=False))


def test_forced_dark_mode_changes_every_colour_and_no_text():
    forced = apply_client_view(MAIL, ClientView(scheme=ColourScheme.FORCED))
    assert 'bgcolor="#1' in forced
    assert "color:#ffffff" in forced
    assert "a #ffffff b" in forced


def test_static_files_load_nothing_from_other_hosts(browser):
    for path in STATIC.iterdir():
        answer = browser.get(f"/static/{path.name}")
        assert answer.status_code == 200, path.name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)\w", answer.text), path.name
        assert "@import" not in answer.text, path.name


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", ['{"name": "\\ud800"}', "[]", "[" * 50_000, '"x"', "9" * 5000, "", b"\xff"])
def test_a_body_with_wrong_fields_is_refused(browser, path, body):
    assert 400 <= browser.post(path, content=body, headers=JSON).status_code < 500


def test_a_lone_surrogate_is_refused(browser):
    body = f'{{"name": "{ISSUE}", "text": "\\ud800", "digest": ""}}'
    assert browser.post("/api/save", content=body, headers=JSON).status_code == 400


@pytest.mark.parametrize("path", ["/api/outline", "/api/edit"])
def test_a_text_with_carriage_returns_is_read(browser, path):
    text = "---\ntitle: T\ndate: 2026-01-14\n---\n## A\n\n#" + "\r" * 60 + "\n## B\n\n#\r\r H2\n"
    answer = browser.post(path, json={"name": ISSUE, "text": text, "start": 0, "by": 1}, headers=JSON)
    assert answer.status_code == 200
