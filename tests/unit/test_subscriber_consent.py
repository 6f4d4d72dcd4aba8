"""Consent that was not given, not confirmed or withdrawn, in headings, values and file names."""

import io
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from moza_mail.errors import MozaMailError
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file import (
    ColumnAnswers,
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
)
from moza_mail.subscriber_file.answers import parse_status
from moza_mail.subscriber_file.file_state import LEAVERS
from moza_mail.subscriber_file.headings import ColumnRole, find_role
from moza_mail.subscriber_file.questions import quote


def names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(",")]


def read(content: str, name: str = "lezers.csv", consent: str = "", context=(), **answers) -> dict[str, str]:
    """Return the state of each person by the local part of the address; `refused` without consent."""
    options = SubscriberFileOptions(consent=consent, context=context, answers=ColumnAnswers(**answers))
    rows = SubscriberFile(lambda: io.StringIO(content, newline=""), name, options)
    return {
        str(row.address).partition("@")[0]: (row.suppression or row.state).value
        if isinstance(row, NewSubscriber)
        else "refused"
        for row in rows
    }


def states_or_question(content: str, **more) -> set[str]:
    try:
        return set(read(content, **more).values())
    except SubscriberFileError as error:
        return {"question"} if "--status" in error.hint else {str(error)}


INVERTED = """
    IsOptInPending, is_optin_pending, optinpending, awaiting_optin, Opt-in ausstehend, Double-Opt-in offen, unverified, confirmation_pending,
    nicht bestätigt, nicht bestaetigt, unbestätigt, niet bevestigd, nog niet bevestigd, onbevestigd, wacht op bevestiging, Non confirmé,
    Confirmation en attente, Sans consentement, Ohne Einwilligung, Einwilligung fehlt, Toestemming ontbreekt, Toestemming verlopen,
    consent_required, consent_expired, consent missing, no consent, Kein Opt-in, Keine Zustimmung, Einwilligung abgelaufen, Zustimmung verweigert,
    toestemming ingetrokken, toestemming geweigerd, zonder toestemming, geen toestemming, opt-in vereist, Opt-in openstaand, DOI ausstehend,
    Sin consentimiento, Sin confirmar, Confirmación pendiente, Senza consenso, In attesa di conferma, Non confermato, Consenso revocato,
    Consentement périmé, Consentement retiré, pas confirmé, confirmation requested, opt-in mail verstuurd, Bestätigungsmail versendet,
    confirmation_token, opt-in aangevraagd, Opt-in angefragt, invited to subscribe, consent unknown, Einwilligung unklar, Einwilligungslos,
    not subscribed, non abonné, nicht angemeldet, niet ingeschreven, unsubscribed, not unsubscribed, subscription_expired, newsletter refused,
    kein Newsletter, geen nieuwsbrief, Newsletter unerwünscht, Newsletter storniert, consent valid until, toestemming geldig tot, Newsletter Interesse, privacy, Privacyverklaring akkoord,
    Toestemming foto's, consent to third parties, order confirmed, legitimate interest consent, consent test
"""


@pytest.mark.parametrize("heading", names(INVERTED))
def test_a_heading_that_inverts_the_consent_confirms_nobody(heading):
    for yes, no in (("ja", "nee"), ("true", "false"), ("1", "0"), ("2024-02-03", "")):
        content = f"email;{heading}\nyes@example.org;{yes}\nno@example.org;{no}\n"
        assert "confirmed" not in states_or_question(content)
        one = f"email;{heading}\nyes@example.org;{yes}\n"
        assert "confirmed" not in states_or_question(one, consent="formulier")


PLAIN = """
    opt-in, Opted in, double_optin, confirmed, Confirmed at, bevestigd op, Bestätigt am, E-Mail-Einwilligung, toestemming, Datum
    toestemming, Consentement, consent date, Email Marketing Consent, Nieuwsbrief, Wil nieuwsbrief?, Accepts Email Marketing,
    Ingeschreven op, Inschrijvingsdatum, Anmeldedatum, Newsletter, gdpr_consent, AVG toestemming, Is this subscriber confirmed, Abonné,
    Iscritto, Suscrito
"""


@pytest.mark.parametrize("heading", names(PLAIN))
def test_a_heading_about_consent_only_is_understood(heading):
    content = f"email;{heading.strip()}\nyes@example.org;2024-02-03\nno@example.org;\n"
    assert read(content, consent="formulier") == {"yes": "confirmed", "no": "unconfirmed"}


INVERTED_VALUES = """
    Opt-in ausstehend, unverified, niet bevestigd, nog niet bevestigd, wacht op bevestiging, Non confirmé, en attente, Sans consentement,
    Ohne Einwilligung, Einwilligung fehlt, Toestemming verlopen, consent expired, consent required, périmé, abgelaufen, widerrufen,
    awaiting opt-in, pendiente, in attesa, non confermato, revocado, ja (ingetrokken), Ja aber widerrufen, Yes (pending), Subscribed - not
    verified, active (unsubscribed), Legitimate interest - existing customer, gerechtvaardigd belang, Performance of a contract,
    berechtigtes Interesse, Intérêt légitime, bestaande klant, soft opt-in, Not applicable, gekochte lijst, unknown, mondeling maar later
    geweigerd, consent withdrawn, unklar
"""


@pytest.mark.parametrize("value", names(INVERTED_VALUES))
def test_a_value_that_inverts_the_consent_confirms_nobody(value):
    for heading in (
        "status",
        "opt-in",
        "confirmed",
        "consent",
        "toestemming",
        "Nieuwsbrief",
        "Rechtsgrond",
        "Legal basis",
    ):
        content = f'email;{heading}\na@example.org;"{value.strip()}"\n'
        assert "confirmed" not in states_or_question(content, consent="formulier"), heading


def test_another_legal_basis_than_consent_leaves_people_unconfirmed_and_is_quoted():
    content = (
        "Email,Unsubscribed from all email,Legal basis for processing contact's data\n"
        "a@example.org,,Freely given consent from contact\n"
        "b@example.org,,Legitimate interest - existing customer\n"
        "c@example.org,,Performance of a contract\n"
    )
    options = SubscriberFileOptions(consent="formulier")
    rows = list(SubscriberFile(lambda: io.StringIO(content, newline=""), "hubspot.csv", options))
    assert [row.state.value for row in rows] == ["confirmed", "unconfirmed", "unconfirmed"]
    assert (
        rows[1].evidence
        == "Legal basis for processing contact's data: Legitimate interest - existing customer"
    )


def test_a_verified_address_is_not_consent():
    content = "email,email_verified\na@example.org,true\nb@example.org,false\n"
    assert read(content) == {"a": "refused", "b": "unconfirmed"}
    assert read(content, consent="formulier") == {"a": "confirmed", "b": "unconfirmed"}


def test_a_blocked_person_and_a_no_with_a_remark_are_asked_about():
    assert states_or_question("email,Suppression status\na@example.org,active\n") == {"question"}
    assert states_or_question("email,opt-out\na@example.org,Nee (wil niet meer)\n", consent="x") == {
        "question"
    }
    assert states_or_question("email,opt-out\na@example.org,subscribed\n", consent="x") == {"confirmed"}


NAMES = """
    liste_noire, sendgrid_asm, plaintes, abbestellt, sperrliste, zwarte_lijst, abgemeldete, abgemeldete-2024, désinscrits, Désabonnés mars, bajas, Lista negra,
    cancellati, disiscritti, lista_nera, reclami, quejas, rebotados, Rückläufer, gelöscht, geloeschte-kontakte, Kündigungen, widerrufe, opgezegd,
    uitschrijvingen, Afmeldingen 2025, klachten, geblokkeerd, verwijderd, overleden, oud-leden, niet mailen, do-not-mail, DNC, optouts, opt-outs,
    OptOuts, suppression_list, unsubscribes, spam_reports, invalid_emails, hard bounces, Bounced, complaints, blocklist, inactive, ehemalige,
    anciens abonnés, résiliés, plaintes spam, NPAI, pending, unconfirmed, onbevestigd, nicht bestätigt, en attente
"""


@pytest.mark.parametrize("name", names(NAMES))
def test_a_list_that_only_its_name_shows_as_unsubscribed_is_asked_about(name):
    for content in (
        "email;datum\na@example.org;2024-05-01\n",
        "a@example.org\n",
        "email,status\na@example.org,active\n",
    ):
        with pytest.raises(SubscriberFileError) as caught:
            read(content, name=f"{name}.csv", consent="formulier")
        assert '--status "*=' in caught.value.hint
        state = caught.value.hint.partition('--status "*=')[2].partition('"')[0]
        assert state != "confirmed"
        answered = read(content, name=f"{name}.csv", consent="x", status=parse_status([f"*={state}"]))
        assert set(answered.values()) & {"confirmed", "refused"} == set()


@pytest.mark.parametrize(
    "name", ["lezers", "abonnees-2025", "newsletter contacts", "leden", "Empfänger", "MOZa Weekly", "abonnés"]
)
def test_an_ordinary_list_name_raises_no_question(name):
    assert read("email\na@example.org\n", name=f"{name}.csv", consent="formulier") == {"a": "confirmed"}
    assert not LEAVERS.search(name)


def test_a_title_sheet_or_folder_about_unsubscribed_people_is_asked_about():
    titled = "Afgemelde lezers 2024;\n;\nE-mail;Naam\na@example.org;A\n"
    assert states_or_question(titled, consent="formulier") == {"question"}
    content = "email\na@example.org\n"
    assert states_or_question(content, consent="x", context=("unsubscribed/members.csv", "")) == {"question"}
    assert states_or_question(content, consent="x", context=("", "Uitgeschreven")) == {"question"}
    mixed = "email,unsubscribed_at\na@example.org,\nb@example.org,2024-01-01\n"
    assert read(mixed, name="unsubscribed_at.csv", consent="x") == {"a": "confirmed", "b": "unsubscribed"}
    assert states_or_question(mixed, name="unsubscribed.csv", consent="x") == {"question"}


def proposals(hint: str) -> list[str]:
    """Return the `--status` answers in a hint, as a shell reads them."""
    return [value for option, value in pairwise(shlex.split(hint)) if option == "--status"]


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        ("email;krijgt_mail\na@example.org;ja\nb@example.org;nee\n", ["krijgt_mail:ja=confirmed", "krijgt_mail:nee=unsubscribed"]),
        ("email;VIP\na@example.org;ja\nb@example.org;nee\n", ["VIP:ja=ignore", "VIP:nee=unconfirmed"]),
        ("email;Opt-in offen\na@example.org;ja\nb@example.org;nein\n", ["Opt-in offen:ja=unconfirmed", "Opt-in offen:nein=ignore"]),
        ("email;Lid tot\na@example.org;2024-01-01\nb@example.org;\n", ["Lid tot:*=unsubscribed"]),
        ('email;status\na@example.org;"say ""hi"" $HOME `x`"\n', ['status:say "hi" $HOME `x`=unconfirmed']),
        ("email;status: mail\na@example.org;it's: so\n", ["status: mail:it's: so=unconfirmed"]),
    ],
)  # fmt: skip
def test_the_question_proposes_an_answer_for_each_value_that_a_shell_can_read(content, answers):
    with pytest.raises(SubscriberFileError) as caught:
        read(content, consent="x")
    assert proposals(caught.value.hint) == answers
    assert set(read(content, consent="x", status=parse_status(answers))) >= {"a"}


def test_an_answer_about_one_value_does_not_confirm_others():
    content = "email;krijgt_mail\na@example.org;ja\nb@example.org;nee\n"
    assert states_or_question(content, status=parse_status(["krijgt_mail:nee=unsubscribed"])) == {"question"}


def test_proposed_answers_are_quoted_for_a_shell():
    for text in ("plain", "it's", 'a "b"', "$x `y` !z \\"):
        assert shlex.split(quote(text)) == [text]
    assert issubclass(SubscriberFileError, MozaMailError)
    assert find_role("Unsubscribed from: x") is ColumnRole.UNSUBSCRIBED


def test_a_question_about_values_with_control_characters_is_printable():
    with pytest.raises(SubscriberFileError) as caught:
        read("email,name status\na@example.org,na26-\x01b@example.org\n")
    assert (caught.value.message + caught.value.hint).isprintable()


def hostile_files() -> dict[str, str]:
    """Return the files of `hostile_imports.txt` by name. Only the people whose address begins with `ok` may be mailed."""
    text = (Path(__file__).parent.parent / "data" / "hostile_imports.txt").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in text.split("=== ") if part]
    return {name: content for name, _newline, content in parts}


HOSTILE = hostile_files()


@pytest.mark.parametrize("consent", ["", "formulier"])
def test_nobody_in_a_hostile_file_is_mailed_without_a_question(consent):
    wrong = []
    for name, content in HOSTILE.items():
        try:
            states = read(content, name=name.partition("/")[2], consent=consent)
        except SubscriberFileError:
            continue
        wrong += [
            (name, one) for one, state in states.items() if state == "confirmed" and not one.startswith("ok")
        ]
    assert wrong == []
    assert len(HOSTILE) > 580


REMARKS = """
    asked to be taken off, GDPR erasure, post only, left company, mail returned, invalid address, awaiting reply, op eigen verzoek eraf, uit dienst, mail komt terug,
    alleen per post, Widerspruch, vom Verteiler nehmen, ausgetreten, Adresse ungültig, opposition, droit à l'oubli, démission, a quitté la société, en attente de réponse
"""
HARMLESS = "met at conference, kent Jan van de beurs, neuer Kunde seit 2024, client depuis 2020, VIP"


@pytest.mark.parametrize("remark", names(REMARKS))
def test_a_remark_next_to_a_yes_is_asked_about(remark):
    with pytest.raises(SubscriberFileError, match="Notes"):
        read(
            f"email,newsletter,notes\na@example.org,yes,\nb@example.org,yes,{remark}\n".replace(
                "notes", "Notes"
            )
        )


@pytest.mark.parametrize("remark", names(HARMLESS))
def test_a_harmless_remark_raises_no_question(remark):
    content = f"email,newsletter,Notes\na@example.org,yes,\nb@example.org,yes,{remark}\n"
    assert set(read(content).values()) == {"confirmed"}


@pytest.mark.parametrize("heading", ["DoNotCall", "Do Not Call", "Privacy: Do Not Trade"])
def test_a_refusal_of_a_channel_other_than_mail_suppresses_nobody(heading):
    assert find_role(heading) is ColumnRole.OTHER_CHANNEL
