"""An image from the author's folder to the recipient, embedded or published."""

import shutil

import pytest

from moza_mail.web import editor
from tests.support import builders as build
from tests.support.project_folder import ISSUE, folder

FIXTURE = build.ROOT / "tests/data/issues/schema.png"


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    shutil.copy(FIXTURE, project.path / "issues/schema.png")
    path = project.path / ISSUE
    path.write_text(
        path.read_text() + "\n## Beeld\n\n![Van brief naar bericht](schema.png)\n", encoding="utf-8"
    )
    return project


def test_an_image_is_embedded_in_every_mail_and_nothing_is_fetched(project):
    project.add_readers(2)
    assert project.run("send", ISSUE, "--yes").code == 0
    for message in project.outbox():
        (image,) = (part for part in message.walk() if part.get_content_type() == "image/png")
        assert image.get_payload(decode=True) == FIXTURE.read_bytes()
        html = message.get_body(("html",)).get_content()
        assert f'src="cid:{image["Content-ID"][1:-1]}"' in html
        assert 'src="http' not in html


def test_the_rendered_page_contains_the_image(project):
    assert project.run("render", ISSUE).code == 0
    assert 'src="data:image/png;base64,' in (project.path / "out/issue.html").read_text()
    assert "img-src data:" in editor.MAIL_POLICY


def test_with_an_asset_url_images_and_calendar_are_written_to_a_folder_and_linked(project):
    project.set(asset_url="https://www.example.org/mail/", calendar="link")
    assert project.run("render", ISSUE).code == 0
    published = sorted(path.name for path in (project.path / "out/publish/2026-01-14").iterdir())
    assert published[0] == "issue.ics"
    assert (project.path / "out/publish/2026-01-14" / published[1]).read_bytes() == FIXTURE.read_bytes()
    mail = (project.path / "out/issue.eml").read_bytes().replace(b"=\r\n", b"")
    for name in published:
        assert f"https://www.example.org/mail/2026-01-14/{name}".encode() in mail
    assert b"Content-ID" not in mail
    text = (project.path / "out/issue.txt").read_text()
    assert "Zet alles in mijn agenda (.ics):\nhttps://www.example.org/mail/2026-01-14/issue.ics\n" in text


def test_a_calendar_cannot_be_linked_without_an_asset_url(project):
    project.set(calendar="link")
    refused = project.run("render", ISSUE)
    assert refused.code == 2
    assert 'moza-mail.toml: `calendar` is "link", but `asset_url` is not set' in refused.err


def test_an_unusable_image_stops_a_send_with_its_line(project):
    path = project.path / ISSUE
    (project.path / "issues/plan.svg").write_text("<svg/>")
    path.write_text(path.read_text() + "\n![Plan](plan.svg)\n")
    line = path.read_text().split("\n").index("![Plan](plan.svg)") + 1
    project.add_readers(1)
    refused = project.run("send", ISSUE, "--yes")
    assert refused.code == 1
    assert f"line {line}: the image plan.svg is an SVG, which Gmail and Outlook do not show" in refused.err
    assert project.outbox() == []


def test_an_image_on_another_host_is_allowed_only_by_the_settings(project):
    path = project.path / ISSUE
    path.write_text(path.read_text() + "\n![Plan](https://beeld.example.org/plan.png)\n")
    assert "is on another host" in project.run("render", ISSUE).err
    allowed = '{"allowed_hosts": ["beeld.example.org"]}'
    assert project.run("render", ISSUE, MOZA_MAIL_CHECK=allowed).code == 0
