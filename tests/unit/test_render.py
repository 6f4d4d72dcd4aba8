import re
from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from moza_mail import render
from moza_mail.errors import IssueError, RenderError, ThemeError
from moza_mail.model.issue import (
    Code,
    CodeBlock,
    Emoji,
    Emphasis,
    Item,
    ItemList,
    Link,
    Paragraph,
    Quote,
    Section,
    Strike,
    Strong,
    Table,
    Text,
)
from moza_mail.model.message import PLACEHOLDER, make_placeholder
from tests.support import builders as build
from tests.support.examples import examples

HOSTILE = st.lists(
    st.sampled_from(
        [*"ab1 .'\"\\&<>{}%#$`/-!=;", "\u00a0", "👩\u200d💻", "e\u0301", "✔\ufe0f", "\u00ad", "<!--", "-->", "<style", "{{", "{%", "\\u{a0}", "&amp;", "é", "]]>", "\t", "</a>", "%20"]
    ),
    min_size=1,
    max_size=10,
).map("".join)  # fmt: skip


def rendered(issue, theme=None, colophon=build.COLOPHON, **options):
    return render.render_issue(issue, theme or build.theme(), colophon, zone=build.AMSTERDAM, **options)


def page(issue, **options):
    return document_fromstring(rendered(issue, **options).html)


def paragraphs(*inlines):
    return Section(title=build.text("Kop"), blocks=(Paragraph(inlines=inlines),))


def calendar(*events, zone=build.AMSTERDAM, **fields):
    issue = build.issue(agenda=build.agenda(*events), **fields)
    content = render.render_calendar(issue, build.COLOPHON, zone=zone)
    return content.decode().replace("\r\n ", "") if content else None


def lines(ics, name):
    return [line for line in ics.split("\r\n") if line.startswith(name)]


class TestHtml:
    def test_the_subject_is_the_issues_own_or_else_its_title(self):
        assert rendered(build.issue(subject="Lees dit")).subject == "Lees dit"
        assert rendered(build.issue()).subject == "MOZa Weekly"

    def test_the_preheader_is_the_summary(self):
        assert rendered(build.issue(summary="Kort  samengevat.")).preheader == "Kort samengevat."

    def test_without_summary_the_preheader_is_the_first_words_cut_at_a_word(self):
        item = Item(label=build.text("Website"), inlines=build.text("woorden " * 40))
        preheader = rendered(build.issue(Section(title=(), blocks=(build.bullets(item),)))).preheader
        assert preheader.startswith("Website: woorden woorden")
        assert preheader.endswith("woorden…")
        assert 90 <= len(preheader) <= 140

    def test_the_preheader_of_a_bare_agenda_names_its_events(self):
        agenda = build.agenda(build.event("Pulse", date(2026, 2, 3), when="3 februari"))
        assert rendered(build.issue(sections=(), agenda=agenda)).preheader == "Pulse: 3 februari"

    def test_the_preheader_comes_first_and_is_hidden(self):
        body = page(build.issue(summary="Vooraf.")).find("body")
        first = next(e for e in body.iter("div") if e.text and e.text.strip())
        assert first.text.startswith("Vooraf.")
        assert "display:none" in first.get("style")

    def test_one_h1_and_a_heading_for_each_section(self):
        tree = page(build.issue(build.section("Een", "a"), build.section("Twee", "b")))
        assert [h.text_content() for h in tree.iter("h1")] == ["MOZa Weekly"]
        assert [h.text_content() for h in tree.iter("h2")] == ["Een", "Twee"]

    def test_the_labels_are_listed_from_five_items_on_or_not_at_all(self):
        def mail(*labels):
            items = [Item(label=build.text(label), inlines=build.text("nieuws")) for label in labels]
            news = Section(title=build.text("Nieuws"), blocks=(build.bullets(*items),))
            return rendered(build.issue(build.section("Kort", "a"), news, agenda=build.agenda()))

        five = mail(*"abcde")
        (line,) = document_fromstring(five.html).find_class("contents")
        assert (
            line.text_content()
            == "In dit nummer: Kort\u00a0· a\u00a0· b\u00a0· c\u00a0· d\u00a0· e\u00a0· Agenda"
        )
        assert five.text.startswith(
            "In dit nummer: Kort · a · b · c · d · e · Agenda\n\nMOZa Weekly, woensdag"
        )
        assert "In dit nummer" not in mail(*"abcd").html
        assert (
            "In dit nummer"
            not in mail(*["een lang opschrift van bijna zestig tekens in deze toets"] * 7).html
        )

    def test_the_agenda_is_a_data_table_with_headings(self):
        events = (
            build.event("Pulse", date(2026, 2, 3), when="3 februari", group="MOZa"),
            build.event("Fieldlab", group="Elders", note=build.text("met ons")),
        )
        (table,) = page(build.issue(agenda=build.agenda(*events))).find_class("agenda")
        heads = [(th.get("scope"), th.text_content()) for th in table.iter("th")]
        (as_typed,) = [cell for cell in table.iter("td") if cell.get("colspan") == "2"]
        assert as_typed.text_content() == "Fieldlabmet ons"
        assert heads == [
            ("rowgroup", "MOZa"),
            ("row", "dinsdag3 feb"),
            ("rowgroup", "Elders"),
        ]
        assert [td.text_content() for td in table.iter("td")] == ["Pulse", "Fieldlabmet ons"]

    def test_every_other_table_is_marked_as_layout(self):
        tree = page(build.issue(agenda=build.agenda()))
        assert {t.get("role") for t in tree.iter("table") if t.get("class") not in {"agenda", "data"}} == {
            "presentation"
        }

    def test_language_and_direction_are_on_html_body_and_the_elements_in_it(self):
        tree = page(build.issue(lang="nl-BE"))
        body = tree.find("body")
        assert {(e.get("lang"), e.get("dir")) for e in (tree, body, *body)} == {("nl-BE", "ltr")}

    def test_an_issue_in_an_unknown_language_gets_english_texts(self):
        mail = rendered(build.issue(lang="tlh"))
        assert '<html lang="tlh"' in mail.html
        assert "You receive this mail because" in mail.text
        assert "Wednesday, January 14, 2026" in mail.text

    def test_an_arabic_mail_is_right_to_left_throughout(self):
        items = build.bullets(Item(inlines=build.text("خبر")))
        mail = rendered(
            build.issue(
                Section(title=build.text("أخبار"), blocks=(items,)),
                agenda=build.agenda(build.event("لقاء", date(2026, 2, 3), when="3")),
                lang="ar",
            )
        ).html
        assert document_fromstring(mail).find("body").get("dir") == "rtl"
        assert not re.search(
            r"ltr|text-align:left|(?<!v)align=\"left\"|border-left|padding-right", mail.partition("<body")[2]
        )

    def test_an_emoji_is_hidden_from_screen_readers_and_is_in_the_text_version(self):
        mail = rendered(build.issue(paragraphs(Emoji(character="💡"), Text(text=" Tip"))))
        assert '<span aria-hidden="true">💡</span> Tip' in mail.html
        assert "💡 Tip" in mail.text

    def test_no_text_is_smaller_than_16_pixels(self):
        tree = page(build.issue(agenda=build.agenda(build.event("Pulse", note=build.text("noot")))))
        for element in tree.find("body").iter("*"):
            size = re.search(r"font-size:\s*(\d+)px", element.get("style") or "")
            if size and int(size.group(1)) < 16 and "display:none" not in element.get("style"):
                assert not (element.text or "").strip(), element.get("style")


class TestUnsubscribeLink:
    def test_the_unsubscribe_placeholder_is_a_link_in_html_and_a_line_in_text(self):
        mail = rendered(build.issue())
        assert page(build.issue()).xpath("//a[text()='Afmelden voor deze nieuwsbrief']/@href") == [
            make_placeholder("unsubscribe_url")
        ]
        assert f"\n{make_placeholder('unsubscribe_url')}\n" in mail.text

    def test_without_an_unsubscribe_link_the_footer_names_the_contact_for_unsubscribing(self):
        mail = rendered(build.issue(), colophon=replace(build.COLOPHON, can_unsubscribe=False))
        assert not PLACEHOLDER.search(mail.html + mail.text)
        assert "niet meer ontvangen? Laat het weten via weekly@example.org" in mail.text
        assert 'href="mailto:weekly@example.org"' in mail.html

    def test_the_postal_address_and_the_reason_are_in_html_and_text(self):
        mail = rendered(build.issue())
        for part in (mail.html, mail.text):
            assert "Voorbeeldstraat 1, 2500 AA Den Haag" in part
            assert "aangemeld voor MOZa Weekly" in part

    def test_the_closing_block_has_only_what_is_configured(self):
        bare = rendered(build.issue(), colophon=replace(build.COLOPHON, view_url=""))
        assert "Tot de volgende keer" not in bare.html
        assert "online" not in bare.html + bare.text
        urls = {name: f"https://example.org/{name}" for name in ("view_url", "archive_url", "sign_up_url")}
        whole = rendered(build.issue(), colophon=replace(build.COLOPHON, can_reply=True, **urls))
        links = document_fromstring(whole.html).xpath("//*[@class='way']/a/@href")
        assert links == [*urls.values(), make_placeholder("unsubscribe_url")]
        assert "Antwoord gerust op deze mail." in whole.html
        assert [url for url in urls.values() if f":\n{url}\n" not in whole.text] == []

    def test_an_issue_cannot_contain_a_placeholder(self):
        with pytest.raises(IssueError, match=r"line 7: https://slot\.invalid/"):
            rendered(
                build.issue(
                    Section(title=(), line=7, blocks=(CodeBlock(text=make_placeholder("unsubscribe_url")),))
                )
            )

    def test_a_theme_that_drops_the_unsubscribe_link_is_refused(self):
        with pytest.raises(RenderError, match="unsubscribe_url is missing"):
            rendered(build.issue(), build.theme_with({"partials/footer.txt": "Dag!"}))


class TestTextVersion:
    def test_links_are_numbered_and_listed_below_their_section(self):
        link = Link(url="https://example.org/a", children=build.text("de site"))
        other = Link(url="https://example.org/b", children=build.text("daar"))
        mail = rendered(build.issue(paragraphs(link), paragraphs(other, Text(text=" en "), link)))
        assert "de site [1]\n\nLinks:\n[1] https://example.org/a\n" in mail.text
        assert (
            "daar [2] en de site [1]\n\nLinks:\n[1] https://example.org/a\n[2] https://example.org/b\n"
            in mail.text
        )

    def test_a_link_whose_text_is_its_url_is_written_once(self):
        link = Link(url="https://example.org/a", children=build.text("https://example.org/a"))
        mail = Link(url="mailto:weekly@example.org", children=build.text("weekly@example.org"))
        assert (
            "\nhttps://example.org/a of weekly@example.org\n"
            in rendered(build.issue(paragraphs(link, Text(text=" of "), mail))).text
        )

    def test_a_nested_list_is_indented_and_a_paragraph_stays_on_one_line(self):
        inner = ItemList(
            ordered=True, start=9, items=(Item(inlines=build.text("negen")), Item(inlines=build.text("tien")))
        )
        long = Item(label=build.text("Lang"), inlines=build.text("woord " * 60 + "einde"), blocks=(inner,))
        text = rendered(build.issue(Section(title=(), blocks=(build.bullets(long),)))).text
        assert f"Lang\nWoord {'woord ' * 59}einde\n\n9. negen\n10. tien\n" in text

    def test_a_quote_code_and_a_table_have_different_forms(self):
        blocks = (
            Quote(blocks=(Paragraph(inlines=build.text("Mooi.")), Paragraph(inlines=build.text("Echt.")))),
            CodeBlock(text="if x:\n    y\n"),
            Table(
                header=(build.text("Dienst"), build.text("Stand")),
                rows=((build.text("Profiel"), build.text("klaar")),),
            ),
        )
        text = rendered(build.issue(Section(title=(), blocks=blocks))).text
        assert "> Mooi.\n>\n> Echt.\n\n    if x:\n        y\n\n- Dienst: Profiel; Stand: klaar\n" in text

    def test_struck_through_text_is_marked_in_words_in_the_text_version(self):
        assert (
            "(vervallen: mei) juni"
            in rendered(build.issue(paragraphs(Strike(children=build.text("mei")), Text(text=" juni")))).text
        )

    def test_the_agenda_has_the_date_before_the_title(self):
        events = (
            build.event(
                "Pulse",
                date(2026, 2, 3),
                when="3 februari om 14:00",
                start_time=time(14),
                group="MOZa",
                url="https://example.org/p",
            ),
            build.event("Later", note=build.text("online")),
        )
        text = rendered(build.issue(agenda=build.agenda(*events))).text
        assert "Agenda\n------\n\nMOZa:\n- dinsdag 3 feb: Pulse [1] (14:00)\n\n- Later (online)\n" in text


class TestCalendar:
    def test_an_issue_without_a_date_in_its_agenda_has_none(self):
        assert calendar(build.event("Later")) is None
        assert render.render_calendar(build.issue(), build.COLOPHON, zone=build.AMSTERDAM) is None

    def test_the_calendar_is_attached_only_on_request(self):
        issue = build.issue(agenda=build.agenda(build.event("Pulse", date(2026, 2, 3))))
        assert rendered(issue).attachments == ()
        (attachment,) = rendered(issue, calendar=True).attachments
        assert attachment.filename == "issue.ics"
        assert attachment.content_type == "text/calendar; charset=utf-8; method=PUBLISH"
        assert b"\r\nMETHOD:PUBLISH\r\n" in attachment.content

    def test_consecutive_days_are_one_event_with_an_exclusive_end(self):
        ics = calendar(build.event("Fieldlab", date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)))
        assert lines(ics, "DTSTART") == ["DTSTART;VALUE=DATE:20261123"]
        assert lines(ics, "DTEND") == ["DTEND;VALUE=DATE:20261126"]
        assert "VTIMEZONE" not in ics

    def test_each_day_of_a_set_with_gaps_is_its_own_event(self):
        ics = calendar(build.event("Spreekuur", date(2026, 1, 8), date(2026, 1, 15)))
        assert lines(ics, "DTSTART") == ["DTSTART;VALUE=DATE:20260108", "DTSTART;VALUE=DATE:20260115"]
        assert len(set(lines(ics, "UID"))) == 2

    def test_a_time_is_in_amsterdam_time_with_its_vtimezone(self):
        ics = calendar(build.event("Pulse", date(2026, 5, 21), start_time=time(9), end_time=time(9, 30)))
        assert "DTSTART;TZID=Europe/Amsterdam:20260521T090000\r\n" in ics
        assert "DTEND;TZID=Europe/Amsterdam:20260521T093000\r\n" in ics
        assert lines(ics, "RRULE") == [
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        ]

    def test_another_zone_is_written_in_utc(self):
        ics = calendar(
            build.event("Call", date(2026, 7, 1), start_time=time(9)), zone=ZoneInfo("Europe/Lisbon")
        )
        assert lines(ics, "DTSTART") == ["DTSTART:20260701T080000Z"]
        assert lines(ics, "DTEND") == []

    def test_a_time_past_midnight_ends_the_next_day(self):
        ics = calendar(build.event("Nacht", date(2026, 7, 1), start_time=time(22), end_time=time(1)))
        assert lines(ics, "DTEND") == ["DTEND;TZID=Europe/Amsterdam:20260702T010000"]

    def test_a_moved_event_keeps_its_identifier_and_has_a_higher_sequence(self):
        before = calendar(build.event("Pulse", date(2026, 2, 3)))
        after = calendar(
            build.event("MOZa  pulse".removeprefix("MOZa  "), date(2026, 3, 9)), date=date(2026, 1, 21)
        )
        assert lines(before, "UID") == lines(after, "UID")
        assert int(lines(before, "SEQUENCE")[0][9:]) < int(lines(after, "SEQUENCE")[0][9:])

    def test_upcoming_days_keep_their_identifiers_when_another_day_passes_or_is_added(self):
        def known(*days):
            ics = calendar(build.event("Spreekuur", *(date(2026, 1, day) for day in days)))
            return dict(zip(lines(ics, "DTSTART"), lines(ics, "UID"), strict=True))

        before, passed = known(8, 15, 22), known(15, 22)
        assert passed.items() < before.items()
        # A day more: the identifiers of before are all used, and one is new, so that no day is there twice.
        added = known(8, 15, 22, 29)
        assert set(before.values()) < set(added.values())
        assert len(added) == len(set(added.values())) == 4

    def test_a_past_event_does_not_change_the_identifier_of_the_next_with_its_title(self):
        events = [build.event("Regieteam", date(2026, month, 5)) for month in (3, 2)]
        both, later = calendar(*events), calendar(events[0])
        assert lines(later, "UID") == lines(both, "UID")[:1]

    def test_a_whole_day_event_is_shown_as_free_and_a_timed_event_as_busy(self):
        assert "TRANSP:TRANSPARENT" in calendar(build.event("Dag", date(2026, 2, 3)))
        assert "TRANSP" not in calendar(build.event("Uur", date(2026, 2, 3), start_time=time(9)))

    def test_two_events_with_one_title_are_two_entries(self):
        ics = calendar(build.event("Pulse", date(2026, 2, 3)), build.event("Pulse", date(2026, 3, 3)))
        assert len(set(lines(ics, "UID"))) == 2

    def test_the_same_issue_gives_the_same_bytes(self):
        event = build.event("Pulse", date(2026, 2, 3), note=build.text("Neem; mee, \\ iets"))
        assert calendar(event) == calendar(event)
        assert "DESCRIPTION:Neem\\; mee\\, \\\\ iets" in calendar(event)


class TestTheme:
    @pytest.mark.parametrize("name", ["moza", "default"])
    def test_each_bundled_theme_renders_an_issue(self, name):
        mail = rendered(build.issue(agenda=build.agenda(build.event("Pulse"))), build.theme(name))
        assert "MOZa Weekly" in mail.html
        assert "Pulse" in mail.text

    def test_the_locale_files_of_both_languages_have_the_same_keys(self):
        import tomllib

        files = build.theme("default").files
        assert tomllib.loads(files["locale/nl.toml"]).keys() == tomllib.loads(files["locale/en.toml"]).keys()

    @pytest.mark.parametrize("mode", ["light", "dark"])
    def test_colours_with_too_little_contrast_are_refused_with_their_names_and_ratio(self, mode):
        colours = {
            **build.theme().settings[mode],
            "muted": "#8090a0",
            "card": "#ffffff",
            "text": "#000000",
            "info": "#ffffff",
            "page": "#ffffff",
        }
        with pytest.raises(
            ThemeError,
            match=rf"`muted` \(#8090a0\) on `card` \(#ffffff\) in \[{mode}\] has a contrast of 3\.\d\d:1",
        ):
            rendered(build.issue(), build.theme_with(**{mode: colours}))

    @pytest.mark.parametrize(("colour"), ["red", "#fff", "#12345g", ""])
    def test_a_colour_must_be_six_digits(self, colour):
        with pytest.raises(ThemeError, match=r"`link` in \[dark\] must be a colour"):
            rendered(build.issue(), build.theme_with(dark={**build.theme().settings["dark"], "link": colour}))

    def test_an_unknown_name_is_an_error_with_template_and_line(self):
        theme = build.theme_with({"partials/postal_address.html": "<p>ja</p>\n<p>{{ nergens }}</p>"})
        with pytest.raises(RenderError, match="nergens") as caught:
            rendered(build.issue(agenda=build.agenda(), sections=(build.section("a", "b"),) * 3), theme)
        assert (caught.value.template, caught.value.line) == ("partials/postal_address.html", 2)

    def test_invalid_jinja_is_an_error_with_template_and_line(self):
        with pytest.raises(RenderError) as caught:
            rendered(build.issue(), build.theme_with({"partials/footer.mjml": "\n\n{% if %}"}))
        assert (caught.value.template, caught.value.line) == ("partials/footer.mjml", 3)

    def test_invalid_mjml_is_an_error_with_its_place(self):
        broken = (
            build.theme()
            .files["issue.mjml"]
            .replace("</mj-body>", "<mj-text padding=0>los</mj-text></mj-body>")
        )
        with pytest.raises(RenderError, match=r"issue\.mjml: this is not valid MJML") as caught:
            rendered(build.issue(), build.theme_with({"issue.mjml": broken}))
        assert caught.value.template == "issue.mjml"

    def test_an_unknown_mjml_tag_is_refused(self):
        broken = build.theme().files["partials/footer.mjml"] + "<mj-raw><mj-sectoin>x</mj-sectoin></mj-raw>"
        with pytest.raises(RenderError, match="mj-sectoin"):
            rendered(build.issue(), build.theme_with({"partials/footer.mjml": broken}))

    def test_a_remote_image_in_a_theme_is_refused(self):
        tracked = (
            build.theme().files["partials/postal_address.html"]
            + '<img src="https://example.org/pixel.gif" alt="">'
        )
        issue = build.issue(*(build.section(name, "x") for name in "abc"))
        with pytest.raises(RenderError, match="not an image of the issue"):
            rendered(issue, build.theme_with({"partials/postal_address.html": tracked}))

    @pytest.mark.parametrize(
        "markup",
        [
            '<iframe src="https://example.org/"></iframe>',
            '<table role="presentation" background="https://example.org/x.gif"><tr><td>x</td></tr></table>',
            '<span srcset="https://example.org/x.gif 2x">x</span>',
            '<span style="background:URL (https://example.org/x.gif)">x</span>',
            '<style>@IMPORT "https://example.org/x.css";</style>',
        ],
    )
    def test_a_template_that_would_fetch_something_is_refused(self, markup):
        fetching = build.theme().files["partials/postal_address.html"] + markup
        with pytest.raises(RenderError, match="would fetch something when the mail is opened"):
            rendered(build.issue(), build.theme_with({"partials/postal_address.html": fetching}))

    def test_a_style_with_the_word_url_but_no_address_is_accepted(self):
        harmless = build.theme().files["partials/postal_address.html"] + '<i style="font-family:curl">x</i>'
        theme = build.theme_with({"partials/postal_address.html": harmless})
        assert "font-family:curl" in rendered(build.issue(), theme).html

    def test_template_braces_left_in_the_mail_are_refused(self):
        left = build.theme().files["issue.txt"] + "{% raw %}{{ naam }}{% endraw %}"
        with pytest.raises(RenderError, match=r"issue\.txt: '{{ naam }}"):
            rendered(build.issue(), build.theme_with({"issue.txt": left}))

    def test_a_missing_text_or_value_of_the_locale_is_named(self):
        theme = build.theme_with({"locale/nl.toml": 'reason = "Dag {naam}"', "locale/en.toml": ""})
        with pytest.raises(RenderError, match=r"locale/nl\.toml"):
            rendered(build.issue(), theme)

    def test_a_mail_fetches_nothing_from_the_network(self):
        mail = rendered(build.issue())
        assert not re.search(r"fonts\.g|@import|url\(|<link|<img|<script", mail.html)

    def test_no_font_is_fetched_even_if_a_theme_names_none(self):
        head = re.sub(r"<mj-all[^>]*>", "", build.theme().files["partials/head.mjml"])
        assert "fonts." not in rendered(build.issue(), build.theme_with({"partials/head.mjml": head})).html

    def test_dark_colours_are_written_for_apple_mail_and_outlook(self):
        html = rendered(build.issue()).html
        assert "prefers-color-scheme: dark" in html
        assert "[data-ogsc]" in html
        assert "[data-ogsb]" in html
        assert html.count("!important") > 30
        assert html.count("<!--[if") == html.count("<![endif]") > 5


class TestHostileText:
    @examples(60, database=None, derandomize=True)
    @given(title=HOSTILE, label=HOSTILE, link=HOSTILE, code=HOSTILE)
    def test_any_text_is_unchanged_in_the_mail_or_refused(self, title, label, link, code):
        inlines = (Link(url="https://example.org/", children=build.text(link), title=label), Code(text=code))
        item = Item(label=build.text(label), inlines=inlines)
        issue = build.issue(
            Section(title=build.text(title), blocks=(build.bullets(item),)),
            title=f"Titel {title}",
            summary=label,
        )
        if "{{" in title or "{{" in label:
            with pytest.raises(IssueError):
                rendered(issue)
            return
        mail = rendered(issue)

        tree = document_fromstring(mail.html)
        tab = {"\t": " "}
        said = {
            name: text.translate(str.maketrans(tab))
            for name, text in {"title": title, "label": label, "link": link, "code": code}.items()
        }
        (h1,), (h2,), lists = tree.iter("h1"), tree.iter("h2"), tree.xpath("//*[@class='text']//ul")
        assert h1.text_content().removeprefix("Titel ") == said["title"] == h2.text_content()
        # A label of white space does not become a heading, and the first word of a text may get a capital.
        (below,) = [each.find("li") for each in lists] or [each.getnext() for each in tree.iter("h3")]
        heading = below.find("strong") if lists else below.getprevious()
        assert heading.text_content().removesuffix(":") == said["label"].removesuffix(":")
        assert below.find("a").text_content().casefold() == said["link"].casefold()
        assert below.find("a").get("title") == said["label"]
        assert below.find("code").text_content() == said["code"]
        assert f"{link} [1]{code}".rstrip(" ").casefold() in mail.text.casefold()
        assert f"\n{title}\n" in mail.text

    def test_the_title_of_a_link_may_span_lines(self):
        link = Link(url="https://example.org/", children=build.text("hier"), title="een\ntwee")
        assert page(build.issue(paragraphs(link))).xpath("//a[text()='hier']/@title") == ["een\ntwee"]

    def test_braces_in_an_issue_are_not_template_code(self):
        mail = rendered(build.issue(paragraphs(Text(text="{{ 7 * 7 }} {% raw %} {# x #}"))))
        assert "{{ 7 * 7 }} {% raw %} {# x #}" in document_fromstring(mail.html).text_content()
        assert "{{ 7 * 7 }} {% raw %} {# x #}" in mail.text

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
    def test_a_link_with_a_forbidden_scheme_is_refused(self, url):
        with pytest.raises(RenderError, match="does not belong in a mail"):
            rendered(build.issue(paragraphs(Link(url=url, children=build.text("hier")))))

    @pytest.mark.parametrize("url", ["handboek", "/onderwerpen/x", "https://example.org/a?b=c&d=%20e"])
    def test_the_url_of_a_link_stays_as_written(self, url):
        assert page(build.issue(paragraphs(Link(url=url, children=build.text("hier"))))).xpath(
            "//a[text()='hier']/@href"
        ) == [url]

    @pytest.mark.parametrize("sign", ["\0", "\x0b", "\x1b", "\x85", "\r", "\ud800", "\uffff"])
    def test_a_control_character_is_refused_with_its_line(self, sign):
        with pytest.raises(IssueError, match=r"line 9: a control character \(U\+"):
            rendered(
                build.issue(Section(title=(), blocks=(Paragraph(inlines=build.text(f"a{sign}"), line=9),)))
            )

    def test_deep_nesting_is_refused_and_never_crashes_the_process(self):
        inlines = build.text("diep")
        for _ in range(10_000):
            inlines = (Emphasis(children=inlines),)
        with pytest.raises(IssueError, match=r"line 3: .* nested more than"):
            rendered(build.issue(Section(title=(), blocks=(Paragraph(inlines=inlines, line=3),))))

    def test_the_deepest_allowed_nesting_is_rendered(self):
        inlines = build.text("diep")
        for _ in range(50):
            inlines = (Strong(children=inlines),)
        assert "diep" in rendered(build.issue(paragraphs(*inlines))).html
