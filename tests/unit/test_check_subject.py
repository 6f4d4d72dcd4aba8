"""A subject is proposed from the first items."""

from moza_mail import parse
from moza_mail.check.subject import propose_subject

FRONT = "---\ntitle: MOZa Weekly 14 januari 2026\ndate: 2026-01-14\n---\n\n"


def proposed(body):
    return propose_subject(parse.parse_issue(FRONT + body, "2026-01-14.md"))


def test_a_proposed_subject_has_as_many_labels_as_fit():
    body = "\n".join(
        f"* **{label}:** tekst"
        for label in ("Nieuwe website", "Klankbordgroep", "Terugblik op fase 2", "Welkom")
    )
    assert proposed(body) == "Nieuwe website, Klankbordgroep, Terugblik op fase 2, Welkom"
    assert (
        proposed(body.replace("Welkom", "Samen ondertekenen"))
        == "Nieuwe website, Klankbordgroep, Terugblik op fase 2"
    )


def test_without_labels_the_first_sentence_is_proposed():
    assert (
        proposed("## Nieuws\n\n1. De eerste Pulse was druk. Dank voor het delen.")
        == "De eerste Pulse was druk"
    )
    long = proposed(
        "## Nieuws\n\n" + "De actie om een gezamenlijke conceptroadmap op te stellen is vandaag gestart."
    )
    assert long == "De actie om een gezamenlijke conceptroadmap op te stellen…"


def test_an_agenda_and_a_greeting_are_not_proposed():
    assert proposed("## Agenda\n\n* **MOZa Pulse**: 3 februari") == ""
    assert proposed('Dag {{ name | default("lezer") }},\n\nEr is nieuws.') == "Er is nieuws"
