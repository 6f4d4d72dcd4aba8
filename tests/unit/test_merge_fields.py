"""Merge fields, from the text of the author to the mail of each recipient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from moza_mail import parse, render
from moza_mail.errors import IssueError
from moza_mail.model.address import Address
from moza_mail.model.issue import CodeBlock, ItemList, to_plain_text
from moza_mail.model.merge_field import MergeField, MergeFieldError, split_merge_fields
from moza_mail.model.message import PLACEHOLDER, Recipient, Rendered, make_field_placeholder
from tests.support import builders as build
from tests.support.examples import examples

HEAD = "---\ntitle: Weekbericht\ndate: 2026-01-14\n---\n"
JAN = Recipient(subscriber_id=1, address=Address.parse("jan@example.org"), name="Jan")


def issue(body, head=HEAD, **options):
    return parse.parse_issue(head + body, "issues/groet.md", **options)


def mail(body, head=HEAD, **options):
    return render.render_issue(
        issue(body, head), build.theme(), build.COLOPHON, zone=build.AMSTERDAM, **options
    )


def refused(body, head=HEAD):
    with pytest.raises(IssueError) as caught:
        issue(body, head)
    return caught.value


@pytest.mark.parametrize(
    ("written", "name", "default"),
    [
        ("{{ name }}", "name", None),
        ("{{name}}", "name", None),
        ('{{ voornaam | default("lezer") }}', "voornaam", "lezer"),
        ("{{voornaam|default('lezer')}}", "voornaam", "lezer"),
        ("{{ voornaam | default(“lezer”) }}", "voornaam", "lezer"),
        ("{{ voornaam | default(„lezer”) }}", "voornaam", "lezer"),
        ("{{ voornaam | default(‘lezer’) }}", "voornaam", "lezer"),
        ('{{ a_1 | default("d\'r <b> & *x* [y](z)") }}', "a_1", "d'r <b> & *x* [y](z)"),
        ('{{ name | default("") }}', "name", ""),
    ],
)
def test_a_merge_field_is_parsed(written, name, default):
    (found,) = issue(f"Beste {written}, hallo.\n").merge_fields
    assert (found.name, found.default, found.line) == (name, default, 5)
    assert tuple(split_merge_fields(f"a{written}b", line=3)) == (
        "a",
        MergeField(name=name, default=default, line=3),
        "b",
    )


@pytest.mark.parametrize(
    "written",
    [
        "{{ Name }}", "{{ }}", "{{ voor naam }}", "{{ 7 * 7 }}", "{{ name | upper }}", "{{ name | default(lezer) }}", "{{{ name }}}",
        '{{ name | default("a\\"b") }}', '{{ name | default("a}b") }}', "{{ name", "{{ name }", "{{ name\n}}",
        '{{ name | default("x\') }}', "{{ name.__class__ }}", '{{ naam | default("a") | upper }}',
    ],
)  # fmt: skip
def test_a_wrong_merge_field_is_refused_with_its_line(written):
    error = refused(f"eerst\n\nBeste {written}, hallo.\n")
    assert (error.line, error.source) == (7, "issues/groet.md")
    assert "{{ name }}" in error.hint


@pytest.mark.parametrize("key", ["title", "subject", "summary"])
def test_a_wrong_merge_field_in_the_front_matter_is_refused_with_its_line(key):
    keys = {"title": "Weekbericht", "date": "2026-01-14", key: "'Hallo {{ Name }}'"}
    head = "---\n" + "".join(f"{name}: {value}\n" for name, value in keys.items()) + "---\n"
    assert refused("tekst\n", head).line == list(keys).index(key) + 2


def test_an_unquoted_merge_field_in_yaml_gets_a_hint_to_quote_it():
    head = "---\ntitle: T\ndate: 2026-01-14\nsubject: {{ name }}, hallo\n---\n"
    error = refused("tekst\n", head)
    assert (error.line, "single quotes" in error.hint) == (4, True)


@pytest.mark.parametrize(
    "body",
    [
        "[x](https://example.org/?n={{ name }})", "[x](<https://example.org/?n={{ name }}>)", "[x](https://example.org/{{name}})",
        "<https://example.org/{{name}}>", "[x][r]\n\n[r]: https://example.org/{{name}}", "https://example.org/{{ name }}",
        "https://example.org/**{{ name }}**", "www.example.org/{{ name }}", "[x]({{ name }})", "mailto:{{ name }}",
        "![foto](https://example.org/{{name}}.png)", "![{{ name }}](https://example.org/a.png)",
        '![foto](https://example.org/a.png "{{ name }}")', '[x](https://example.org/ "{{ name }}")',
    ],
)  # fmt: skip
def test_a_merge_field_in_an_address_or_image_is_refused(body):
    assert "a merge field may not be part of" in refused(f"{body}\n").reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('## {{ a | default("Agenda") }}\n\n* X: 3 februari\n', "the heading of the agenda"),
        ("## Agenda\n\n**Van {{ a }}:**\n\n* X: 3 februari\n", "the name of a group"),
        ("## Agenda\n\n### {{ a }}\n\n* X: 3 februari\n", "the name of a group"),
        ('## Agenda\n\n* X: {{ a | default("3 februari") }}\n', "the date of an event"),
        ("## Agenda\n\n* X {{ a }}: 3 februari\n", "needs a default"),
        ("## Agenda\n\n* X: 3 februari (voor {{ a }})\n", "needs a default"),
    ],
)
def test_a_merge_field_in_shared_text_of_the_agenda_is_refused(body, reason):
    assert reason in refused(body).reason


def test_a_merge_field_with_separators_is_not_split_in_the_agenda():
    body = (
        '## Agenda\n\n* **{{ x | default("a: b (c)") }}** en meer: 3 februari ({{ y | default("z, q") }})\n'
    )
    (event,) = issue(body).events
    assert (to_plain_text(event.title), event.when, to_plain_text(event.note)) == (
        "a: b (c) en meer",
        "3 februari",
        "z, q",
    )


def test_code_and_shortcodes_contain_no_merge_fields():
    made = issue('Typ `{{ name }}` {{< emoji teken="💡" >}}\n\n```\n{{ name\n```\n')
    assert made.merge_fields == ()
    assert isinstance(made.sections[0].blocks[1], CodeBlock)
    assert to_plain_text(made.sections[0].blocks[0].inlines) == "Typ {{ name }} 💡"


def test_a_merge_field_may_be_in_a_label_a_cell_and_a_link_text():
    made = issue(
        '* **{{ name }}:** hoi\n\n| a |\n|---|\n| {{ b \\| default("c") }} |\n\n[{{ d }}](https://example.org)\n'
    )
    assert [field.name for field in made.merge_fields] == ["name", "b", "d"]
    items = next(block for block in made.sections[0].blocks if isinstance(block, ItemList)).items
    assert to_plain_text(items[0].label) == "[name]"
    assert "write \\| for |" in refused('| a |\n|---|\n| {{ b | default("c") }} |\n').hint


def test_an_unknown_merge_field_is_refused_with_its_line():
    text = HEAD + "Beste {{ voornaam }},\ndit is {{ vornaam }}.\n"
    made = parse.parse_issue(text, "issues/groet.md")
    parse.check_merge_fields(made, ("voornaam", "vornaam"))
    with pytest.raises(IssueError, match=r"line 6: there is no merge field `vornaam`") as caught:
        parse.check_merge_fields(made, ("voornaam",), text)
    assert (caught.value.quoted, caught.value.line) == ("dit is {{ vornaam }}.", 6)
    parse.check_merge_fields(issue("{{ name }}\n"), ())


def test_equal_merge_fields_share_a_placeholder():
    made = mail('{{ a }}s {{ b | default("c") }} {{ a }}\n\n## {{ a }}\n\n{{ a | default("") }}\n')
    assert [(field.name, field.default) for field in made.fields] == [("a", None), ("b", "c"), ("a", "")]
    for part in (made.html, made.text):
        assert f"{make_field_placeholder(0)}s {make_field_placeholder(1)} {make_field_placeholder(0)}" in part
    assert "{{" not in made.html + made.text + made.subject


def test_title_subject_and_preheader_have_placeholders_too():
    head = "---\ntitle: 'Voor {{ a }}'\ndate: 2026-01-14\nsummary: 'Dag {{ b | default(\"lezer\") }}'\n---\n"
    made = mail("tekst\n", head)
    assert made.subject == f"Voor {make_field_placeholder(0)}"
    filled = made.fill_fields(lambda field: {"a": '<Jan> & "Co"', "b": "Zoë"}[field.name])
    tree = document_fromstring(filled.html)
    assert filled.subject == tree.find(".//h1").text == 'Voor <Jan> & "Co"'
    assert tree.find(".//title").text == 'Voor <Jan> & "Co"'
    assert 'Voor <Jan> & "Co"\n' in filled.text
    assert "Dag Zoë" in tree.text_content()
    assert (filled.preheader, filled.fields) == ("Dag Zoë", ())


def test_the_preheader_is_measured_with_example_values():
    words = '{{ voornaam | default("lezer") }} ' * 8 + "en nog wat woorden " * 20
    made = mail(f"{words}\n")
    assert PLACEHOLDER.sub("", made.preheader).count("slot") == 0
    shown = made.fill_with_typical_values().preheader
    assert shown.startswith("lezer lezer")
    assert shown.endswith("…")
    assert 120 <= len(shown) <= 140


def test_the_calendar_contains_the_default():
    made = mail('## Agenda\n\n* Inloop voor {{ a | default("iedereen") }}: 3 februari\n', calendar=True)
    (calendar,) = made.attachments
    assert b"SUMMARY:Inloop voor iedereen" in calendar.content
    assert b"slot.invalid" not in calendar.content


def test_the_digest_depends_on_the_merge_fields():
    def digest(*fields: MergeField) -> str:
        return Rendered(subject="", preheader="", html="", text="", lang="nl", fields=fields).compute_digest()

    kinds = [
        MergeField(name="a"),
        MergeField(name="a", default=""),
        MergeField(name="a", default="b"),
        MergeField(name="b"),
    ]
    assert len({digest(), *(digest(kind) for kind in kinds), digest(kinds[0], kinds[1])}) == 6


def test_the_value_of_a_recipient_replaces_the_default_unless_it_is_blank():
    field, needed = MergeField(name="stad", default="thuis"), MergeField(name="stad")
    for nothing in ({}, {"stad": ""}, {"stad": " \u00a0\t"}):
        reader = Recipient(subscriber_id=1, address=JAN.address, values=nothing)
        assert (reader.value_of(field), reader.value_of(needed)) == ("thuis", None)
        assert reader.missing_fields((needed, field, needed, MergeField(name="name"))) == ("stad", "name")
    assert JAN.value_of(MergeField(name="name", default="lezer")) == "Jan"


@given(text=st.text(alphabet="{}| name\"'()default\\%<a_1\n", max_size=60))
@examples(300)
def test_braces_in_any_text_are_a_merge_field_or_refused(text):
    try:
        found = tuple(split_merge_fields(text))
    except MergeFieldError:
        pass
    else:
        assert "{{" not in "".join(piece for piece in found if isinstance(piece, str))
    try:
        made = issue(f"x {text}\n")
    except IssueError:
        return
    for block in made.sections[0].blocks:
        if hasattr(block, "inlines"):
            typed = [inline for inline in block.inlines if type(inline).__name__ == "Text"]
            assert not any("{{" in inline.text for inline in typed if "\\" not in text)
