"""Moving parts of an issue and setting values: every other character stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import edit, parse
from moza_mail.errors import IssueError
from tests.support.examples import examples, thin_out
from tests.support.project_folder import ISSUE, ROOT
from tests.support.rendered_mails import SOURCES, WEEKLIES

SAMPLE = parse.normalize_line_endings((ROOT / ISSUE).read_text(encoding="utf-8"))
TEXTS = [parse.normalize_line_endings(path.read_text(encoding="utf-8")) for path in (*SOURCES, *WEEKLIES)]


def families(text):
    return edit.read_outline(text, parse.parse_issue(text, "2026-01-14.md"))


def pieces(found):
    for family in found:
        for piece in family:
            yield family, piece
            yield from pieces(piece.children)


def titled(text, title):
    return next(piece for _, piece in pieces(families(text)) if piece.title.startswith(title))


def moved(text, title, by):
    return edit.move_part(text, "2026-01-14.md", titled(text, title).start, by)


def test_the_outline_has_the_sections_their_items_and_the_lines_of_the_agenda():
    (sections,) = families(SAMPLE)
    assert [(piece.kind, piece.title, piece.line) for piece in sections] == [
        ("section", "Algemeen", 6),
        ("section", "Profiel en berichten", 15),
        ("agenda", "Agenda", 24),
    ]
    (events,) = sections[2].children
    assert [piece.title for piece in events][:2] == ["Klankbordgroep", "Werkplaats Begrijpelijke Brieven"]
    (items,) = sections[0].children
    assert len(items) == 6


def test_a_section_moves_with_its_content_and_the_divider_between_stays():
    new, place = moved(SAMPLE, "Profiel", 1)
    assert [piece.title for piece in families(new)[-1]] == ["Algemeen", "Agenda", "Profiel en berichten"]
    assert (place.index, place.part.title) == (2, "Profiel en berichten")
    assert new.index("## Agenda") < new.index("\n---\n\n## Profiel")
    assert sorted(new.split("\n")) == sorted(SAMPLE.split("\n"))
    assert new.endswith("\n")


def test_a_line_of_the_agenda_moves_with_the_lines_below_it():
    text = SAMPLE.replace(
        "19 en 20 januari\n", "19 en 20 januari\n  * neem je laptop mee\n\n  en een brief\n"
    )
    new, place = moved(text, "Werkplaats", -5)
    assert place.index == 0
    events = parse.parse_issue(new, "x.md").events
    assert [event.when for event in events][:2] == ["19 en 20 januari", "15 januari"]
    assert "* **Werkplaats Begrijpelijke Brieven**: 19 en 20 januari\n  * neem je laptop mee\n" in new


def test_lines_without_a_bullet_change_places_and_hard_breaks_stay():
    text = "---\ntitle: T\ndate: 2026-01-14\n---\n\n## Agenda\n\nEerste: 3 februari  \nTweede: 4 februari\n"
    new, _ = moved(text, "Tweede", -1)
    assert new.endswith("\nTweede: 4 februari  \nEerste: 3 februari\n")


def test_numbers_and_bullets_keep_their_places():
    text = "---\ntitle: T\ndate: 2026-01-14\n---\n\n1. een\n2. twee\n3. drie"
    new, _ = moved(text, "drie", -2)
    assert new.endswith("1. drie\n2. een\n3. twee")


def test_a_move_that_changes_the_structure_is_refused():
    text = "---\ntitle: T\ndate: 2026-01-14\n---\n\n## Een\n\n## Twee\n\n```\ncode zonder einde\n"
    with pytest.raises(IssueError, match="part of other text") as caught:
        moved(text, "Twee", -1)
    assert caught.value.line == 8
    assert caught.value.hint


def moves(text):
    """Move each part one place down and to the last place, and back up."""
    return [
        (family, piece, by)
        for family, piece in pieces(families(text))
        for by in {1, len(family) - 1}
        if piece is not family[-1]
    ]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.slow
def test_moving_any_part_there_and_back_restores_the_text(text):
    found = moves(text)
    assert found or len(text) < 2000
    for family, piece, by in thin_out(found, quick=1):
        new, place = edit.move_part(text, "2026-01-14.md", piece.start, by)
        assert sorted(new) == sorted(text)
        back = family.index(piece) - place.index
        assert edit.move_part(new, "2026-01-14.md", place.part.start, back)[0] == text


LINES = st.lists(
    st.sampled_from(
        ["", "", "## Een", "### Onder", "Twee", "===", "---", "## Agenda", "* a", "- b", "  * onder", "1. een", "10. tien",
         "    diep", "```", "> aanhaling", "* **Pulse**: 3 februari", "Inloop: 4 februari  ", "\t* tab", "*", "[a]: https://example.org", "| a | b |"]
    ),
    max_size=14,
)  # fmt: skip


@given(lines=LINES, pick=st.integers(0, 30), by=st.integers(-4, 4))
@examples(300)
def test_any_text_is_restored_by_a_move_there_and_back_or_the_move_is_refused(lines, pick, by):
    text = "---\ntitle: T\ndate: 2026-01-14\n---\n" + "\n".join(lines)
    try:
        found = list(pieces(families(text)))
    except IssueError:
        return
    if not found:
        return
    family, piece = found[pick % len(found)]
    try:
        new, place = edit.move_part(text, "2026-01-14.md", piece.start, by)
    except IssueError:
        return
    assert sorted(new) == sorted(text)
    assert text[: family[0].start] == new[: family[0].start]
    assert text[family[-1].stop :] == new[len(new) - len(text) + family[-1].stop :]
    back = family.index(piece) - place.index
    assert edit.move_part(new, "2026-01-14.md", place.part.start, back)[0] == text


FRONT = """---
# wie dit leest
title:  "MOZa Weekly"   # met aanhalingstekens
date: 2026-01-14

tags: [een, 'twee']
summary: >
  over twee
  regels
auteur: Noor # de redacteur
---

Tekst.
"""


def test_a_value_is_set_and_every_other_character_stays():
    new = edit.set_front_matter_value(FRONT, "title", "Nieuw", "x.md")
    assert new == FRONT.replace('"MOZa Weekly"', '"Nieuw"')
    new = edit.set_front_matter_value(FRONT, "summary", "Kort: maar krachtig", "x.md")
    assert new == FRONT.replace(">\n  over twee\n  regels", "'Kort: maar krachtig'")
    new = edit.set_front_matter_value(FRONT, "subject", "{{ name }}, er is nieuws", "x.md")
    assert new == FRONT.replace("redacteur\n", "redacteur\nsubject: '{{ name }}, er is nieuws'\n")


def test_an_empty_value_deletes_its_row_but_not_a_comment():
    assert edit.set_front_matter_value(FRONT, "summary", "", "x.md") == FRONT.replace(
        "summary: >\n  over twee\n  regels\n", ""
    )
    assert edit.set_front_matter_value(FRONT, "auteur", "", "x.md") == FRONT.replace(
        "auteur: Noor #", "auteur: #"
    )


def values(text):
    front = parse.read_front_matter(text, "x.md")
    return {key: front.one_line(key) for key in front.texts}


def test_the_same_value_changes_nothing():
    for key, value in values(FRONT).items():
        assert edit.set_front_matter_value(FRONT, key, value, "x.md") == FRONT
    assert edit.set_front_matter_value(FRONT, "subject", "", "x.md") == FRONT


@given(value=st.text(max_size=40), key=st.sampled_from(["title", "summary", "subject", "auteur", "nieuw"]))
@examples(200)
def test_any_value_is_read_back_as_set_or_refused(value, key):
    try:
        new = edit.set_front_matter_value(FRONT, key, value, "x.md")
    except IssueError:
        return
    wanted = " ".join(value.split())
    before, after = values(FRONT), values(new)
    assert after.pop(key, "") == wanted
    before.pop(key, None)
    assert after == before
    assert new.partition("\n---\n")[2] == FRONT.partition("\n---\n")[2]
    again = edit.set_front_matter_value(new, key, value, "x.md")
    assert again == new


ENDS = st.lists(
    st.tuples(st.sampled_from(["a", "b", " c ", "", "é"]), st.sampled_from(["\n", "\r\n", "\r"])), max_size=8
)


@given(rows=ENDS, mark=st.booleans())
def test_an_unchanged_text_gives_the_same_bytes(rows, mark):
    original = ("\ufeff" if mark else "") + "".join(row + end for row, end in rows)
    assert edit.restore_line_endings(original, parse.normalize_line_endings(original)) == original


@given(
    rows=ENDS,
    mark=st.booleans(),
    edited=st.lists(st.sampled_from(["a", "b", " c ", "", "nieuw"]), max_size=9),
)
def test_an_edited_text_gets_the_line_endings_of_its_file(rows, mark, edited):
    original = ("\ufeff" if mark else "") + "".join(row + end for row, end in rows)
    text = "\n".join(edited)
    written = edit.restore_line_endings(original, text)
    assert parse.normalize_line_endings(written) == text
    assert written.startswith("\ufeff") == mark


def test_a_new_line_gets_the_most_frequent_line_ending():
    assert edit.restore_line_endings("a\r\nb\r\n", "a\nnieuw\nb\n") == "a\r\nnieuw\r\nb\r\n"
    assert edit.restore_line_endings("a\r\nb\nc\r\n", "a\nb\nnieuw\nc\n") == "a\r\nb\nnieuw\r\nc\r\n"
