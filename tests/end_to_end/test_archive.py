"""The archive from the command line: its content, its address, and files of others that must be kept."""

import asyncio
import os
import threading
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from moza_mail.errors import ProjectError
from moza_mail.project import publish_files
from tests.support.project_folder import ISSUE, folder

SECOND = """---
title: Weekly 21 januari 2026
date: 2026-01-21
{more}
---

## Nieuws

Er is nieuws.

## Agenda

* **Pulse**: 5 februari 2099
"""


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    (tmp_path / "issues/2026-01-21.md").write_text(SECOND.replace("{more}\n", ""))
    return made


@pytest.fixture
def sent(project):
    """Create a project with a sent issue and an unsent one."""
    project.add_readers(2)
    assert project.run("send", ISSUE, "--yes").code == 0
    return project


def build(project, *more):
    done = project.run("archive", "build", "site", *more)
    assert done.code == 0, done.err
    return done


def files(path: Path) -> dict[str, bytes]:
    return {
        each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()
    }


def pages(project):
    return sorted(path.parent.name for path in (project.path / "site").glob("*/index.html"))


class TestPublishedIssues:
    def test_only_sent_issues_are_published_at_the_url_in_the_mail(self, sent):
        build(sent)

        assert pages(sent) == ["2026-01-14"]
        (mail, _) = sent.outbox()
        html = mail.get_body(("html",)).get_content()
        assert "https://www.example.org/weekly/2026-01-14/" in html
        page = (sent.path / "site/2026-01-14/index.html").read_text()
        assert '<link rel="canonical" href="https://www.example.org/weekly/2026-01-14/">' in page
        assert "lezer0@example.org" not in "".join(map(str, files(sent.path / "site").values()))

    def test_issues_from_before_the_ledger_are_included_by_date_or_by_name(self, project):
        build(project, "--all-before", "2026-01-20")
        assert pages(project) == ["2026-01-14"]

        build(project, "--include", "2026-01-21")
        assert pages(project) == ["2026-01-21"]

    def test_a_draft_is_never_published(self, project):
        (project.path / "issues/2026-01-21.md").write_text(SECOND.format(more="draft: true"))

        build(project, "--all-before", "2027-01-01")
        assert pages(project) == ["2026-01-14"]

        refused = project.run("archive", "build", "site", "--include", "2026-01-21")
        assert refused.code == 1
        assert "a draft cannot be published" in refused.err
        assert pages(project) == ["2026-01-14"]

    def test_an_issue_to_another_list_is_not_in_this_archive(self, project):
        (project.path / "issues/2026-01-21.md").write_text(SECOND.format(more="list: elders"))

        build(project, "--all-before", "2027-01-01")

        assert pages(project) == ["2026-01-14"]

    def test_an_unreadable_unsent_issue_does_not_block_the_archive(self, sent):
        (sent.path / "issues/2026-01-28.md").write_text("nog niets")

        build(sent)

    def test_a_sent_issue_without_a_file_is_reported(self, sent):
        (sent.path / ISSUE).unlink()

        done = sent.run("archive", "build", "site", "--json")

        assert done.code == 3
        assert done.json["missing"] == ["2026-01-14"]
        assert "2026-01-14 was sent to weekly, but has no file" in done.err

    def test_a_corrected_typo_is_published_with_the_date_of_the_correction(self, sent):
        path = sent.path / ISSUE
        path.write_text(path.read_text().replace("oliebollen", "oliebollen en appelflappen"))
        os.utime(path, (1769000000, 1769000000))

        build(sent)

        page = (sent.path / "site/2026-01-14/index.html").read_text()
        assert "appelflappen" in page
        assert "bijgewerkt op 21 januari 2026" in page
        assert "appelflappen" not in sent.outbox()[0].get_body(("plain",)).get_content()

    def test_a_page_links_to_the_sign_up_form(self, sent):
        build(sent)

        for name in ("index.html", "2026-01-14/index.html"):
            page = (sent.path / "site" / name).read_text()
            assert 'href="https://nieuwsbrief.example.org/lists/weekly">Aanmelden voor MOZa Weekly<' in page


class TestArchiveUrl:
    def test_a_view_url_outside_the_archive_is_refused_with_a_hint(self, project):
        lists = project.path / "subscribers/lists.toml"
        lists.write_text(lists.read_text() + 'archive_url = "https://archief.example.org/"\n')

        refused = project.run("archive", "build", "site")

        assert refused.code == 2
        assert (
            "mails link to https://www.example.org/weekly/{slug}/, which is not a page of the archive"
            in refused.err
        )
        assert 'view_url = "https://archief.example.org/{slug}/"' in refused.err
        assert not (project.path / "site").exists()

    def test_without_view_url_the_archive_url_is_used_and_a_setting_is_suggested(self, project):
        project.set(view_url="")
        lists = project.path / "subscribers/lists.toml"
        lists.write_text(lists.read_text() + 'archive_url = "https://archief.example.org"\n')

        done = build(project, "--all-before", "2027-01-01")

        assert 'view_url = "https://archief.example.org/{slug}/"' in done.err
        assert "https://archief.example.org/2026-01-14/" in (project.path / "site/feed.xml").read_text()

    def test_without_any_url_the_missing_setting_is_named(self, project):
        project.set(view_url="")
        assert "archive_url" in project.run("archive", "build", "site").err

    def test_view_url_can_contain_the_slug_of_the_list(self, project):
        project.set(view_url="https://www.example.org/{list}/{date}.html")

        build(project, "--all-before", "2026-01-20")

        page = (project.path / "site/2026-01-14.html").read_text()
        assert 'href="https://www.example.org/weekly/2026-01-14.html"' in page


class TestFolder:
    def test_building_the_archive_again_changes_no_file_and_no_modification_time(self, sent):
        build(sent)
        before = {path: path.stat().st_mtime_ns for path in (sent.path / "site").rglob("*")}
        kept = files(sent.path / "site")

        done = build(sent)

        assert "0 files added, 0 changed" in done.out
        assert {path: path.stat().st_mtime_ns for path in (sent.path / "site").rglob("*")} == before
        assert files(sent.path / "site") == kept

    def test_pages_no_longer_published_are_deleted_and_files_of_others_stay(self, project):
        build(project, "--all-before", "2027-01-01")
        (project.path / "site/robots.txt").write_text("User-agent: *")
        (project.path / "site/2026-01-21/foto.jpg").write_bytes(b"jpg")
        (project.path / "site/naar").symlink_to("/nowhere")

        done = build(project, "--all-before", "2026-01-20")

        assert "2 removed" in done.out
        assert pages(project) == ["2026-01-14"]
        assert (project.path / "site/robots.txt").read_text() == "User-agent: *"
        assert (project.path / "site/2026-01-21/foto.jpg").read_bytes() == b"jpg"
        assert (project.path / "site/naar").readlink() == Path("/nowhere")
        assert [path.name for path in project.path.glob(".site*")] == []

    def test_a_folder_with_files_of_others_is_refused_and_not_changed(self, project):
        (project.path / "site").mkdir()
        (project.path / "site/index.html").write_text("van een ander")

        refused = project.run("archive", "build", "site", "--all-before", "2027-01-01")

        assert refused.code == 2
        assert "contains files that moza-mail did not make" in refused.err
        assert files(project.path / "site") == {"index.html": b"van een ander"}

    def test_an_issue_that_cannot_be_rendered_leaves_the_old_site_unchanged(self, sent):
        build(sent)
        kept = files(sent.path / "site")
        path = sent.path / ISSUE
        path.write_text(path.read_text() + "\n![Schema](er-niet.png)\n")

        refused = sent.run("archive", "build", "site")

        assert refused.code == 1
        assert "er-niet.png" in refused.err
        assert files(sent.path / "site") == kept

    def test_a_full_disk_leaves_the_old_site_unchanged(self, tmp_path, monkeypatch):
        publish_files(tmp_path / "site", {"index.html": b"old"})
        monkeypatch.setattr(
            Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left"))
        )

        with pytest.raises(ProjectError, match="No space left; the archive is unchanged"):
            publish_files(tmp_path / "site", {"index.html": b"new", "a/index.html": b"a"})

        assert (tmp_path / "site/index.html").read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["site"]

    def test_the_files_of_an_interrupted_run_are_deleted(self, tmp_path):
        (tmp_path / ".site.moza-mail/half").mkdir(parents=True)

        publish_files(tmp_path / "site", {"index.html": b"new"})

        assert [path.name for path in tmp_path.iterdir()] == ["site"]

    def test_a_visitor_always_finds_the_whole_old_or_the_whole_new_site(self, tmp_path):
        place, ended, seen = tmp_path / "site", threading.Event(), set()
        versions = [{f"{page}/index.html": f"{run}".encode() for page in range(20)} for run in range(2)]
        publish_files(place, versions[0])

        def read():
            while not ended.is_set():
                try:
                    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
                except FileNotFoundError:
                    seen.add("gone")
                    continue
                seen.add(frozenset(_page(handle, page) for page in range(20)) - {None})
                os.close(handle)

        reader = threading.Thread(target=read)
        reader.start()
        for run in range(30):
            publish_files(place, versions[run % 2])
        ended.set()
        reader.join(timeout=60)

        assert "gone" not in seen
        # A visitor sees the site of one run. Pages of a site that is being deleted may be missing, but runs are never mixed.
        assert all(len(pages) <= 1 for pages in seen)


def _page(site, page):
    """Return a page from an open folder, which may have been renamed. None if the page was deleted."""
    try:
        handle = os.open(f"{page}/index.html", os.O_RDONLY, dir_fd=site)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read()


class TestServedArchive:
    def site(self):
        return {
            "index.html": b"<p>alle</p>",
            "2026/index.html": b"een",
            "feed.xml": b"<feed/>",
            "a.ics": b"x",
        }

    def get(self, path, **headers):
        from moza_mail.web.public import archive

        async def files():
            return self.site()

        async def asked():
            served = httpx.ASGITransport(app=Starlette(routes=archive.build_routes("/weekly", files)))
            async with httpx.AsyncClient(transport=served, base_url="http://example.org") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(asked())

    def test_each_file_has_its_media_type_and_a_content_security_policy(self):
        kinds = {
            "/weekly/": "text/html; charset=utf-8",
            "/weekly/2026/": "text/html; charset=utf-8",
            "/weekly/feed.xml": "application/atom+xml; charset=utf-8",
            "/weekly/a.ics": "text/calendar; charset=utf-8",
        }
        for path, kind in kinds.items():
            given = self.get(path)
            assert given.headers["content-type"] == kind
            assert "default-src 'none'" in given.headers["content-security-policy"]
            assert "set-cookie" not in given.headers

    def test_a_file_that_the_browser_has_is_not_sent_again(self):
        tag = self.get("/weekly/").headers["etag"]

        assert self.get("/weekly/", **{"If-None-Match": tag}).status_code == 304

    @pytest.mark.parametrize(
        ("path", "code", "to"),
        [
            ("/weekly", 308, "/weekly/"),
            ("/weekly/2026", 308, "/weekly/2026/"),
            ("/weekly/../feed.xml", 404, None),
            ("/weekly/%2e%2e/x", 404, None),
            ("/weekly/niets", 404, None),
        ],
    )
    def test_other_paths_are_redirected_or_not_found(self, path, code, to):
        given = self.get(path)
        assert given.status_code == code
        assert given.headers.get("location") == to

    def test_the_server_shows_sent_issues_and_keeps_them_when_a_file_breaks(self, sent, monkeypatch):
        from moza_mail.app import build_archive, open_project
        from moza_mail.cli.run import run_async
        from moza_mail.project import find_project

        sent.set(public_url="https://www.example.org")
        lists = sent.path / "subscribers/lists.toml"
        lists.write_text(lists.read_text() + 'archive_url = "https://www.example.org/weekly/"\n')
        project = find_project(sent.path)
        errors = []

        async def asked():
            async with open_project.open_store(project) as store:
                ((path, files),) = build_archive.find_live_archives(project, store, errors.append).items()
                monkeypatch.setattr(build_archive.LiveArchive, "CHECK_SECONDS", 0)
                first = await files()
                issue = sent.path / ISSUE
                issue.write_text(issue.read_text().replace("oliebollen", "appelflappen"))
                second = await files()
                issue.write_text("---\nnonsense")
                return path, first, second, await files()

        path, first, second, third = run_async(asked)

        assert path == "/weekly"
        assert b"oliebollen" in first["2026-01-14/index.html"]
        assert b"appelflappen" in second["2026-01-14/index.html"]
        assert third == second
        assert len(errors) == 1

    def test_an_archive_outside_public_url_is_not_served(self, project):
        from moza_mail.app.build_archive import find_live_archives
        from moza_mail.project import find_project

        assert find_live_archives(find_project(project.path), store=None, on_error=print) == {}
