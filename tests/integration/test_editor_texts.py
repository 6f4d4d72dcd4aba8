"""Every template of the editor, filled in: no Python objects, and dates and domains as people write them."""

import re
from pathlib import Path

import pytest

from moza_mail.web import editor
from tests.support.editor import JSON, client_for, open_client, open_session, preview
from tests.support.project_folder import ISSUE, folder

HTML = Path(editor.__file__).parent / "html"
# What Python prints for objects, and what Jinja leaves when it is not run.
LEFTOVERS = re.compile(
    r"<built-in|&lt;built-in|<bound method|&lt;bound method| object at 0x|\bNone\b|\{\{|\{%|Undefined"
)
VISIBLE = re.compile(r"<script type=\"application/json\".*?</script>|<textarea.*?</textarea>", re.DOTALL)


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    made.add_readers(3)
    (made.path / "lezer.csv").write_text("email,name\nzoe@xn--bcher-kva.example,Zoë\n")
    assert made.run("subscribers", "import", "--yes", "lezer.csv", "--consent", "test").code == 0
    assert made.run("send", ISSUE, "--yes").code == 0
    (made.path / "issues/2026-01-21.md").write_text("---\ntitle: T: U\n---\n")
    (made.path / "issues/2026-01-28.md").write_text("---\ntitle: T\ndate: 2026-01-28\n---\n<form>\n")
    return made


def read_everything(browser):
    """Return each page, and each piece of HTML that a script fetches."""
    pages = {
        path: browser.get(path).text
        for path in (
            f"/issue/{ISSUE}",
            "/issue/issues/2026-01-21.md",
            "/issue/issues/2026-01-28.md",
            "/outbox",
            "/status",
            "/nowhere",
        )
    }
    message = re.search(r'href="(/outbox/[^"?]+)', pages["/outbox"])[1]
    pages |= {
        f"{message}?part={part}": browser.get(f"{message}?part={part}").text for part in ("mail", "headers")
    }
    shown = preview(browser)
    pages["findings"] = browser.get(f"/api/findings/{shown['key']}").json()["html"]
    broken = preview(browser, "---\ntitle: T\ndate: 2026-01-14\n---\n<form>\n")
    pages["problem"] = broken["html"] + broken["status"]
    pages["issues"] = browser.get("/api/issues").json()["html"]
    for path, more in (("/api/outline", {}), ("/api/difference", {})):
        asked = {"name": ISSUE, "text": "---\ntitle: T\ndate: 2026-01-14\n---\n## A\n\nb\n"} | more
        answer = browser.post(path, json=asked, headers=JSON).json()
        pages[path] = answer["html"] + answer.get("form", "")
    pages["outbox list"] = browser.get("/api/outbox").text
    return pages


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_no_template_shows_a_python_object_or_an_open_brace(project, lang):
    session = open_session(project.path)
    browser = client_for(session)
    browser.cookies["editor-lang"] = lang
    seen = {name: LEFTOVERS.search(VISIBLE.sub("", page)) for name, page in read_everything(browser).items()}
    assert {name: found.group() for name, found in seen.items() if found} == {}


def test_the_test_for_python_objects_renders_every_template(project, monkeypatch):
    from jinja2 import FileSystemLoader

    loaded = set()
    get_source = FileSystemLoader.get_source

    def noting(loader, environment, template):
        loaded.add(template)
        return get_source(loader, environment, template)

    monkeypatch.setattr(FileSystemLoader, "get_source", noting)
    read_everything(open_client(project.path))
    assert loaded == {path.name for path in HTML.iterdir()}


def test_times_are_local_and_domains_and_numbers_are_written_as_in_dutch(project):
    browser = open_client(project.path)
    browser.cookies["editor-lang"] = "nl"
    page = browser.get("/outbox").text
    assert "zoe@bücher.example" in page
    assert "+0000" not in page
    assert re.search(r"<span>\d{1,2} [a-z]{3,4}\.? \d{4}, \d\d:\d\d</span>", page)
    report = browser.get("/status").text
    assert "bücher.example" in report
    assert "xn--" not in page + report
    assert "UTC" not in report
    assert "100,0 %" in report


def test_findings_show_no_rule_names_and_no_score_of_a_bundled_theme(project):
    browser = open_client(project.path)
    found = browser.get(f"/api/findings/{preview(browser)['key']}").json()["html"]
    assert 'class="finding"' in found
    assert "client-score" not in found
    assert not re.search(r"<span[^>]*>[a-z]+-[a-z-]+</span>", found)


def test_the_list_the_chip_and_the_banner_show_that_an_issue_cannot_be_rendered(project):
    page = open_client(project.path).get("/issue/issues/2026-01-28.md").text
    assert page.count("Kan nog niet getoond worden") >= 2
    assert "Dit kan nog niet getoond worden" in page
    assert ">Concept<" not in page.partition('id="status"')[2].partition("</p>")[0]


def test_a_draft_without_findings_is_not_shown_as_ready(tmp_path):
    project = folder(tmp_path)
    text = (
        (project.path / ISSUE)
        .read_text()
        .replace("title:", "draft: true\nsubject: Oliebollen en koffie in januari\ntitle:")
    )
    browser = open_client(project.path)
    found = browser.get(f"/api/findings/{preview(browser, text)['key']}").json()["html"]
    assert "zodra het geen concept meer is" in found


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Een <b>twee</b></p><p>drie</p>", "Een **twee**\n\ndrie"),
        (
            "<p class=MsoListParagraph><span>·<span>&nbsp; </span></span>Punt</p><p class=MsoListParagraph>· Nog</p>",
            "* Punt\n* Nog",
        ),
        (
            "<p class=MsoListParagraph>1.&nbsp; Eerst</p><p class=MsoListParagraph>2.&nbsp; Dan</p>",
            "1. Eerst\n2. Dan",
        ),
        (
            "<html><head><style>p{x:y}</style></head><body><!--StartFragment-->a<!--EndFragment--> rest</body></html>",
            "a",
        ),
        ("<p># 1. *ster* &lt;b&gt; {{ name }}</p>", "\\# 1. \\*ster\\* \\<b> {{ name }}"),
        (
            "<h1>Kop</h1><table><tr><td>a</td><td>b|c</td></tr></table>",
            "## Kop\n\n| a | b\\|c |\n| --- | --- |",
        ),
        ("<form><p>tekst</p></form><script>kwaad()</script><a href='javascript:x'>link</a>", "tekst\n\nlink"),
        ("<pre>a\n  b</pre><blockquote><p>c</p></blockquote><hr>", "```\na\n  b\n```\n\n> c\n\n---"),
        ("<p>a\x0bb</p>", "a b"),
        ("", ""),
    ],
)
def test_copied_html_becomes_markdown(project, html, expected):
    answer = open_client(project.path).post("/api/paste", json={"html": html}, headers=JSON)
    assert answer.json() == {"text": expected}
