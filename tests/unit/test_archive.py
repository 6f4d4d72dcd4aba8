"""The archive as files: its pages, feed and calendar, read by other parsers."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from xml.etree import ElementTree as ET

import feedparser
import pytest
import vobject
from lxml import html as lxml_html

from moza_mail import archive, parse, render
from moza_mail.errors import ProjectError
from moza_mail.model.address import Address
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Image, Paragraph, Section
from moza_mail.model.mailing import SentIssue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.site import ArchiveSite, relative_link
from tests.support import builders as build
from tests.support.rendered_mails import SOURCES

TODAY = date(2026, 2, 1)
SITE = ArchiveSite(base="https://www.example.org/weekly/")
COLOPHON = replace(build.COLOPHON, view_url="https://www.example.org/weekly/2026-01-14/")
WEEKLY = MailingList(
    slug="weekly", title="de MOZa Weekly", sender=Address(local="weekly", domain="example.org"), lang="nl"
)
IMAGE = ImageFile(name="plaat-1a2b3c4d.png", content_type="image/png", content=b"png", width=20, height=10)


def setting(site=SITE, **more):
    given = {
        "site": site,
        "mailing_list": WEEKLY,
        "theme": build.theme(),
        "colophon": COLOPHON,
        "zone": build.AMSTERDAM,
    }
    return archive.ArchiveSettings(**{**given, **more})


def mailed(issue, colophon=COLOPHON, at=None):
    """Return the mailing of an issue as the ledger stores it."""
    rendered = render.render_issue(issue, build.theme(), colophon, zone=build.AMSTERDAM)
    moment = at or datetime.combine(issue.date, time(9), tzinfo=UTC)
    return SentIssue(issue_slug=issue.slug, issue_title=issue.title, text=rendered.text, created_at=moment)


def entry(issue, sent=None, **more):
    given = {
        "issue": issue,
        "theme": build.theme(),
        "colophon": COLOPHON,
        "images": {},
        "sent": sent or mailed(issue),
        "changed": datetime(2026, 1, 20, 8, tzinfo=UTC),
    }
    return archive.ArchiveEntry(**{**given, **more})


def site(*entries, today=TODAY, **more):
    return archive.build_site(entries, setting(**more), today=today)


def issue(day, *events, **more):
    agenda = build.agenda(*events) if events else None
    return build.issue(date=day, slug=f"{day}", title=f"Weekly {day}", agenda=agenda, **more)


def feed(files):
    return feedparser.parse(files["feed.xml"], response_headers={"content-type": "application/atom+xml"})


def events(content):
    return {each.summary.value: each for each in vobject.readOne(content.decode()).contents.get("vevent", [])}


def said(page):
    """Return the text of each heading, item, row, quote and code block."""
    found = lxml_html.fromstring(page).iter("h1", "h2", "h3", "li", "th", "blockquote", "pre")
    return [" ".join(each.text_content().split()) for each in found]


class TestArchivePage:
    @pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
    def test_a_page_has_the_words_of_the_mail_without_its_personal_links(self, path):
        read = parse.parse_issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")
        rendered = render.render_issue(
            read, build.theme(), COLOPHON, zone=build.AMSTERDAM
        ).fill_with_typical_values()
        page = site(entry(read))[f"{read.slug}/index.html"].decode()

        told, mail = said(page), said(rendered.html)

        assert mail
        assert [words for words in mail if words not in told and "[" not in words] == []
        assert "Lees online" not in page
        assert "slot.invalid" not in page
        assert "fmelden" not in page
        assert "<script" not in page
        assert " style=" not in page

    def test_a_page_has_its_language_landmarks_and_canonical_url(self):
        page = lxml_html.fromstring(site(entry(issue(date(2026, 1, 14))))["2026-01-14/index.html"])

        assert page.get("lang") == "nl"
        assert page.findtext(".//title") == "Weekly 2026-01-14 – MOZa Weekly"
        assert [each.tag for each in page.iter("header", "main", "footer")] == ["header", "main", "footer"]
        assert page.xpath("//a[@class='skip']/@href") == ["#content"]
        assert page.xpath("//link[@rel='canonical']/@href") == ["https://www.example.org/weekly/2026-01-14/"]
        assert page.xpath("//meta[@name='description']/@content") == ["Er is nieuws."]
        assert page.xpath("//meta[@property='og:url']/@content") == [
            "https://www.example.org/weekly/2026-01-14/"
        ]

    def test_the_policy_of_a_page_allows_only_its_own_style_and_images(self):
        page = lxml_html.fromstring(site(entry(issue(date(2026, 1, 14))))["2026-01-14/index.html"])

        (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert policy == (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
        )

    def test_a_merge_field_becomes_its_default_or_a_neutral_word(self):
        greeting = (
            *build.text("Beste "),
            MergeField(name="name"),
            *build.text(" van "),
            MergeField(name="organisatie", default="de gemeente"),
        )
        body = Section(title=build.text("Hallo"), blocks=(Paragraph(inlines=greeting),))
        fields = (MergeField(name="name"), MergeField(name="organisatie", default="de gemeente"))
        asked = replace(
            build.issue(body),
            title="Voor {{ name }} en {{ plaats }}",
            merge_fields=(*fields, MergeField(name="plaats")),
        )

        page = site(entry(asked))["2026-01-14/index.html"].decode()

        assert "Beste lezer van de gemeente" in page
        assert "<h1>Voor lezer en …</h1>" in page
        assert "{{" not in page

    def test_images_are_next_to_the_page_even_if_the_mail_links_to_them_elsewhere(self):
        shown = build.issue(
            Section(
                title=build.text("Plaat"), blocks=(Paragraph(inlines=(Image(src="p.png", alt="Plaat"),)),)
            )
        )
        linked = replace(IMAGE, url="https://assets.example.org/2026-01-14/plaat-1a2b3c4d.png")

        for image in (IMAGE, linked):
            files = site(entry(shown, images={"p.png": image}))

            page = lxml_html.fromstring(files["2026-01-14/index.html"])
            assert page.xpath("//img/@src") == ["plaat-1a2b3c4d.png"]
            assert files["2026-01-14/plaat-1a2b3c4d.png"] == b"png"
            assert (
                "https://www.example.org/weekly/2026-01-14/plaat-1a2b3c4d.png" in files["feed.xml"].decode()
            )

    def test_only_an_allowed_image_is_loaded_from_another_host(self):
        shown = build.issue(
            Section(
                title=(),
                blocks=(Paragraph(inlines=(Image(src="https://beeld.example.org/p.png", alt="P"),)),),
            )
        )
        away = ImageFile(name="p", url="https://beeld.example.org/p.png")

        page = site(entry(shown, images={away.url: away}))["2026-01-14/index.html"].decode()

        assert "img-src &#39;self&#39; https://beeld.example.org;" in page

    def test_a_page_links_to_the_previous_and_the_next_issue(self):
        days = [date(2026, 1, 7), date(2026, 1, 14), date(2026, 1, 21)]
        files = site(*(entry(issue(day)) for day in days))

        page = lxml_html.fromstring(files["2026-01-14/index.html"])
        assert page.xpath("//a[@rel='prev']/@href") == ["../2026-01-07/"]
        assert page.xpath("//a[@rel='next']/@href") == ["../2026-01-21/"]
        assert not lxml_html.fromstring(files["2026-01-07/index.html"]).xpath("//a[@rel='prev']")

    def test_a_theme_with_the_footer_of_the_mail_shows_no_personal_link(self):
        own = build.theme_with(
            {"archive/footer.html": "<footer>[{{ unsubscribe_url }}{{ colophon.view_url }}]</footer>"}
        )

        page = site(entry(issue(date(2026, 1, 14)), theme=own))["2026-01-14/index.html"].decode()

        assert "<footer>[]</footer>" in page

    def test_html_in_an_issue_is_escaped(self):
        page = site(entry(build.issue(build.section("<b>", "<script>{{x}}<!--"), title="A & B")))
        shown = page["2026-01-14/index.html"].decode()
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown
        assert "<!--" not in shown


class TestEditedIssues:
    ISSUE = issue(date(2026, 1, 14), build.event("Pulse", date(2026, 2, 5)))

    def shown(self, now, before=None, **more):
        made = site(entry(now, mailed(before or self.ISSUE), **more))
        return "bijgewerkt op 20 januari 2026" in made["2026-01-14/index.html"].decode(), feed(made)

    def test_an_unchanged_issue_is_not_marked_as_edited(self):
        edited, told = self.shown(self.ISSUE)

        assert not edited
        assert told.entries[0].updated == told.entries[0].published == "2026-01-14T09:00:00Z"

    @pytest.mark.parametrize(
        "now",
        [
            replace(ISSUE, title="Weekly, beter"),
            replace(ISSUE, sections=(build.section("Algemeen", "Er is echt nieuws."),)),
            replace(ISSUE, sections=(*ISSUE.sections, build.section("Naschrift", "Nog iets."))),
            replace(ISSUE, sections=ISSUE.sections[:-1]),
            replace(ISSUE, sections=()),
            replace(
                ISSUE,
                sections=(
                    *ISSUE.sections[:-1],
                    build.agenda(build.event("Pulse", date(2026, 2, 6), when="6 februari")),
                ),
            ),
        ],
        ids=["title", "word", "new part", "agenda gone", "part gone", "date"],
    )
    def test_an_edited_issue_is_marked_on_the_page_and_in_the_feed(self, now):
        edited, told = self.shown(now)

        assert edited
        assert told.entries[0].updated == "2026-01-20T08:00:00Z"
        assert told.entries[0].published == "2026-01-14T09:00:00Z"

    def test_another_sender_or_address_of_the_list_does_not_count_as_an_edit(self):
        moved = replace(COLOPHON, contact="nieuw@example.org", view_url="https://elders.example.org/x/")

        assert not self.shown(self.ISSUE, colophon=moved)[0]

    def test_an_unchanged_issue_with_merge_fields_is_not_marked_as_edited(self):
        asked = build.issue(
            Section(title=(), blocks=(Paragraph(inlines=(*build.text("Dag "), MergeField(name="name"))),)),
            merge_fields=(MergeField(name="name"),),
        )

        assert not self.shown(asked, asked)[0]


class TestIndexAndFeed:
    DAYS = (date(2025, 12, 24), date(2026, 1, 7), date(2026, 1, 14))

    def test_the_index_lists_every_issue_by_year_newest_first(self):
        files = site(*(entry(issue(day)) for day in self.DAYS))

        page = lxml_html.fromstring(files["index.html"])
        assert page.xpath("//h2[starts-with(@id, 'y')]/text()") == ["2026", "2025"]
        assert page.xpath("//ul[@class='issues']//a/@href") == ["2026-01-14/", "2026-01-07/", "2025-12-24/"]

    def test_a_feed_reader_reads_the_feed_without_errors(self):
        told = feed(site(*(entry(issue(day)) for day in self.DAYS)))

        assert told.bozo == 0
        assert told.version == "atom10"
        assert told.feed.title == "MOZa Weekly"
        assert told.feed.updated == "2026-01-14T09:00:00Z"
        assert {link.rel: link.href for link in told.feed.links} == {
            "self": "https://www.example.org/weekly/feed.xml",
            "alternate": "https://www.example.org/weekly/",
        }
        assert [each.link for each in told.entries] == [
            f"https://www.example.org/weekly/{day}/" for day in reversed(self.DAYS)
        ]
        assert "<p>Er is nieuws.</p>" in told.entries[0].content[0].value

    def test_the_id_of_a_feed_entry_stays_the_same_when_the_archive_moves(self):
        elsewhere = ArchiveSite(base="https://elders.example.org/", pattern="{date}.html")
        one = issue(date(2026, 1, 14))

        here, there = feed(site(entry(one))), feed(site(entry(one), site=elsewhere))

        assert there.entries[0].link == "https://elders.example.org/2026-01-14.html"
        assert here.entries[0].id == there.entries[0].id
        assert here.feed.id == there.feed.id != here.entries[0].id
        other = replace(WEEKLY, list_id="andere.example.org")
        assert feed(site(entry(one), mailing_list=other)).entries[0].id != here.entries[0].id

    @pytest.mark.slow
    def test_every_sample_issue_gives_valid_xml(self):
        read = [parse.parse_issue(path.read_text(encoding="utf-8"), path.name) for path in SOURCES]
        files = site(*(entry(one) for one in read))

        assert feed(files).bozo == 0
        ET.fromstring(files["feed.xml"])
        assert len(ET.fromstring(files["sitemap.xml"])) == len(read) + 1

    def test_the_feed_has_the_last_twenty_issues_and_the_index_all(self):
        days = [date.fromordinal(date(2025, 1, 1).toordinal() + 7 * week) for week in range(30)]
        files = site(*(entry(issue(day)) for day in days))

        assert len(feed(files).entries) == 20
        assert len(lxml_html.fromstring(files["index.html"]).xpath("//ul[@class='issues']/li")) == 30

    def test_an_archive_without_issues_is_valid(self):
        files = site()

        assert "Er is nog geen nummer verschenen." in files["index.html"].decode()
        assert feed(files).bozo == 0
        assert events(files["agenda.ics"]) == {}

    def test_building_twice_on_a_day_gives_the_same_bytes(self):
        entries = [entry(issue(day)) for day in self.DAYS]
        assert site(*entries) == site(*reversed(entries))


class TestSegment:
    def test_an_issue_to_a_segment_has_a_page_without_links_to_it(self):
        pulse = build.event("Besloten", date(2026, 2, 5))
        few, all_ = issue(date(2026, 1, 14), pulse), issue(date(2026, 1, 21))
        files = site(entry(few, replace(mailed(few), is_whole_list=False)), entry(all_))

        assert '<meta name="robots" content="noindex">' in files["2026-01-14/index.html"].decode()
        assert "noindex" not in files["2026-01-21/index.html"].decode()
        for name in ("index.html", "feed.xml", "sitemap.xml", "2026-01-21/index.html"):
            assert "2026-01-14" not in files[name].decode(), name
        assert "Besloten" not in files["agenda.ics"].decode()
        assert "rel=" not in files["2026-01-14/index.html"].decode().partition("<body>")[2]


class TestArchiveCalendar:
    def test_each_upcoming_event_is_in_the_calendar_once_with_its_newest_date(self):
        old = issue(
            date(2026, 1, 14),
            build.event("Pulse", date(2026, 2, 5)),
            build.event("Voorbij", date(2026, 1, 20)),
            build.event("Congres", date(2026, 3, 10), date(2026, 3, 11)),
        )
        new = issue(date(2026, 1, 21), build.event("Pulse", date(2026, 2, 6)))

        found = events(site(entry(old), entry(new))["agenda.ics"])

        assert found.keys() == {"Pulse", "Congres"}
        assert found["Pulse"].dtstart.value == date(2026, 2, 6)
        assert found["Congres"].dtend.value == date(2026, 3, 12)

    def test_a_day_that_the_newest_issue_omits_is_not_in_the_calendar(self):
        old = issue(date(2026, 1, 14), build.event("Inloop", date(2026, 2, 10), date(2026, 2, 17)))
        new = issue(date(2026, 1, 21), build.event("Inloop", date(2026, 2, 17)))

        content = site(entry(old), entry(new))["agenda.ics"].decode()

        assert [each.dtstart.value for each in vobject.readOne(content).vevent_list] == [date(2026, 2, 17)]

    def test_an_event_has_the_same_identifier_as_in_the_mail(self):
        told = issue(date(2026, 1, 14), build.event("Pulse", date(2026, 2, 5), start_time=time(15)))
        attached = render.render_calendar(told, COLOPHON, zone=build.AMSTERDAM)

        found = events(site(entry(told))["agenda.ics"])["Pulse"]

        assert found.uid.value == events(attached)["Pulse"].uid.value
        assert found.dtstart.value.isoformat() == "2026-02-05T15:00:00+01:00"

    def test_an_event_of_today_is_included_and_one_of_yesterday_is_not(self):
        told = issue(date(2026, 1, 14), build.event("Pulse", date(2026, 2, 5)))

        assert events(site(entry(told), today=date(2026, 2, 5))["agenda.ics"]).keys() == {"Pulse"}
        assert events(site(entry(told), today=date(2026, 2, 6))["agenda.ics"]) == {}

    def test_a_page_offers_its_calendar_while_it_has_upcoming_events(self):
        told = issue(date(2026, 1, 14), build.event("Pulse", date(2026, 2, 5)))

        assert "2026-01-14/issue.ics" in site(entry(told))
        assert "2026-01-14/issue.ics" not in site(entry(told), today=date(2026, 3, 1))

    def test_a_calendar_to_which_a_mail_links_stays(self):
        linked = replace(COLOPHON, calendar_url="https://www.example.org/weekly/2026-01-14/issue.ics")
        told = issue(date(2026, 1, 14), build.event("Pulse", date(2026, 2, 5)))
        sent = mailed(told, linked)

        files = site(entry(told, sent, colophon=linked), today=date(2027, 1, 1))

        assert events(files["2026-01-14/issue.ics"]).keys() == {"Pulse"}
        assert "bijgewerkt" not in files["2026-01-14/index.html"].decode()


class TestPaths:
    @pytest.mark.parametrize(
        ("pattern", "file", "url"),
        [
            ("{slug}/", "nr-1/index.html", "https://www.example.org/weekly/nr-1/"),
            ("{date}.html", "2026-01-14.html", "https://www.example.org/weekly/2026-01-14.html"),
            ("{date}/{slug}", "2026-01-14/nr-1", "https://www.example.org/weekly/2026-01-14/nr-1"),
        ],
    )
    def test_a_page_is_at_the_url_in_the_mail(self, pattern, file, url):
        place = replace(SITE, pattern=pattern)
        one = build.issue(slug="nr-1")

        files = site(entry(one), site=place)

        assert file in files
        assert f'<link rel="canonical" href="{url}">' in files[file].decode()

    def test_two_issues_with_one_path_are_refused_by_name(self):
        twins = (
            build.issue(slug="a", source="issues/a.md"),
            build.issue(slug="b", source="issues/b.md"),
        )

        with pytest.raises(ProjectError, match=r"issues/a.md: its place .* is taken by issues/b.md"):
            site(*map(entry, twins), site=replace(SITE, pattern="{date}/"))

    @pytest.mark.parametrize(
        ("path", "seen_from", "href"),
        [
            ("index.html", "a/index.html", "../"),
            ("a/index.html", "index.html", "a/"),
            ("b/index.html", "a/index.html", "../b/"),
            ("assets/x.css", "a/b/index.html", "../../assets/x.css"),
            ("a/p.png", "a/index.html", "p.png"),
            ("a/p.png", "a.html", "a/p.png"),
            ("index.html", "a.html", "./"),
            ("a/index.html", "a/index.html", "./"),
        ],
    )
    def test_links_are_relative_so_that_the_folder_can_be_anywhere(self, path, seen_from, href):
        assert relative_link(path, seen_from) == href

    def test_an_english_list_has_an_english_index(self):
        english = replace(WEEKLY, lang="en")

        files = site(entry(issue(date(2026, 1, 14))), mailing_list=english)

        assert '<html lang="en"' in files["index.html"].decode()
        assert "All issues" in files["index.html"].decode()
        assert 'hreflang="nl">Wednesday, January 14, 2026<' in files["index.html"].decode()


class TestRepeatedTexts:
    def test_the_index_has_the_date_or_the_headline_and_the_summary(self):
        plain = issue(date(2026, 1, 14))
        own = replace(
            issue(date(2026, 1, 21)), title="De profielservice is open", summary="Zo meld je je aan."
        )
        page = lxml_html.fromstring(site(entry(plain), entry(own))["index.html"])
        listed = [" ".join(each.text_content().split()) for each in page.xpath("//ul[@class='issues']/li")]
        assert listed[0] == "De profielservice is open woensdag 21 januari 2026Zo meld je je aan."
        assert listed[1].startswith("woensdag 14 januari 2026")
        assert "Weekly" not in listed[1].split("2026")[0]

    def test_a_page_has_its_date_once_and_begins_with_the_summary(self):
        made = replace(issue(date(2026, 1, 14)), summary="Zo meld je je aan.")
        page = lxml_html.fromstring(site(entry(made))["2026-01-14/index.html"])
        assert page.find(".//body").text_content().count("14 januari 2026") == 1
        assert page.xpath("//main//p")[0].text_content() == "Zo meld je je aan."
