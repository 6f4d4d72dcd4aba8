"""Bullets and no-break spaces that Markdown does not read are repaired, and nothing else is."""

import pytest

from moza_mail.model.markdown_repair import find_repairs


def repaired(text):
    rows = text.split("\n")
    for repair in list(find_repairs(rows)):
        rows[repair.row] = repair.after
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("*een\n*twee", "* een\n* twee"),
        ("We zagen:\n  *het **plan**.", "We zagen:\n  * het **plan**."),
        ("-een\n-twee", "- een\n- twee"),
        ("- een\n-twee", "- een\n- twee"),
        ("• een\n•\ttwee\n▪drie", "* een\n* twee\n* drie"),
        ("– een\n– twee", "- een\n- twee"),
        ("*\u00a0een\n#\u00a0Kop\n1.\u00a0twee", "* een\n# Kop\n1. twee"),
        ("\u00a0\u00a0ingesprongen", "  ingesprongen"),
        ("het\u00a0plan en \u00a0nog", "het plan en nog"),
        ("---\ntitle: '*x'\n---\n*y", "---\ntitle: '*x'\n---\n* y"),
    ],
)
def test_mistyped_lists_and_spaces_are_repaired(typed, expected):
    assert repaired(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "*schuin* woord", "*schuin over\ntwee regels* en verder", "**vet** woord", "*een* en *twee", "-5 graden", "dit woord\n-streep",
        "– Een zin die met een streep begint.", "* een\n- twee", "---", "***", "*[HTML]: HyperText", "```\n*code\n• x\n```", "    *code",
        "prijs € 5\u00a0miljoen\u00a0!", "«\u00a0mot\u00a0»", "10\u00a0uur", "-- lang", "_schuin_",
    ],
)  # fmt: skip
def test_correct_markdown_stays_as_typed(typed):
    assert repaired(typed) == typed
    assert repaired(repaired(typed)) == typed
