"""A hard verdict, which suppresses an address, needs a reply that is about the recipient alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.bounces import classify_message
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.reply import decode_octets
from moza_mail.model.reply_rules_doubt import DOMAIN_DOUBT_RULES
from moza_mail.model.reply_text import ReplyContext
from moza_mail.model.reply_words import REPLY_WORDS
from moza_mail.model.verdict import HARD_VERDICTS, Verdict

READER, SENDER = "jan.smit@reader.example.net", "weekly@sender.example.org"
RELAY = ReplyContext(recipients=(READER,), senders=(SENDER,), phase="rcpt")
REPORT = ReplyContext(recipients=(READER,), senders=(SENDER,), is_report=True)

GONE = (
    "550 No such user", "550 5.1.1 user unknown", f"550 5.1.1 <{READER}>: Recipient address rejected: User unknown",
    "550 Mailbox not found", "550 5.2.1 This mailbox is disabled", "550 The account has been closed", "550 Unrouteable address",
    "550 5.1.2 recipient domain not found", "550 Gebruiker onbekend", "550 Deze mailbox bestaat niet", "550 Empfänger unbekannt",
    "550 Postfach existiert nicht", "550 Das Konto wurde gelöscht", "550 Utilisateur inconnu", "550 Cette adresse n'est plus valide",
    "550 Boîte aux lettres supprimée", "550 Usuario desconocido", "550 La cuenta no existe", "550 Casella inesistente",
    "550 Account chiuso", "550 Konto nie istnieje", "550 Nieznany odbiorca", "550 Okänd mottagare", "550 Brukeren finnes ikke",
    "550 Brugeren findes ikke", "550 A felhasználó nem létezik", "550 Conta inexistente",
)  # fmt: skip
DOUBTS = {
    Verdict.SENDER_FAULT: (
        "the sender", "return address", "bounce address", "sender callout failed", "envelope from", "in MAIL FROM",
        "your account", "your SMTP account", "your mail server", "the customer's account", "log in to the control panel", "API key",
        "afzender", "verzender", "verzendadres", "retouradres", "uw account", "uw domein", "klantaccount", "Absenderadresse",
        "Versender-Adresse", "Rücksendeadresse", "Ihr Konto", "Ihre Domain", "Kundenkonto", "expéditeur", "adresse expéditrice",
        "adresse d'envoi", "émetteur", "votre compte", "remitente", "su cuenta", "mittente", "il vostro account", "remetente",
        "sua conta", "nadawca", "twoje konto", "avsändare", "avsender", "afsender", "ditt konto", "feladó", "küldő", "az Ön fiókja",
    ),
    Verdict.TEMPORARY: (
        "temporarily", "try later", "tijdelijk", "momenteel", "vorübergehend", "voruebergehend", "derzeit", "Wartung",
        "temporairement", "momentanément", "temporalmente", "mantenimiento", "temporaneamente", "manutenzione", "tymczasowo",
        "chwilowo", "tillfälligt", "midlertidigt", "átmenetileg", "ideiglenesen", "mailbox is being migrated", "LDAP is down",
        "locked by another process", "for now", "database error",
    ),
    Verdict.MAILBOX_FULL: ("mailbox full", "over quota", "vol", "voll", "Speicherplatz", "pleine", "llena", "piena", "pełna", "megtelt"),
    Verdict.CONTENT: ("link", "the URL", "image", "attachment", "Link im Text", "lien", "enlace"),
    Verdict.UNCLEAR: (
        "newsletters", "external mail", "policy", "Newsletter", "nieuwsbrieven", "extern", "newsletterów", "nyhetsbrev",
        "hírlevél", "boletines", "rejected by the user", "too many",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reply", GONE)
def test_a_reply_about_the_recipient_alone_is_hard(reply):
    assert classify_reply(reply, RELAY) in HARD_VERDICTS
    assert classify_reply(reply, REPORT) in HARD_VERDICTS


@given(
    st.sampled_from(GONE),
    st.sampled_from([word for words in DOUBTS.values() for word in words]),
    st.sampled_from(["{} ({})", "{}: {}", "{}; {}", "{}. {}", "{} - {}", "{}, {}"]),
    st.sampled_from([RELAY, REPORT]),
)
def test_a_reply_with_one_word_about_anything_else_is_not_hard(reply, word, form, context):
    code, words = reply.split(" ", 1)
    for one, other in ((words, word), (word, words)):
        assert classify_reply(f"{code} {form.format(one, other)}", context) not in HARD_VERDICTS


@pytest.mark.parametrize(
    ("word", "verdict"), [(word, verdict) for verdict, words in DOUBTS.items() for word in words]
)
def test_a_doubtful_word_decides_the_verdict(word, verdict):
    assert classify_reply(f"550 user unknown: {word}", RELAY) is verdict


@pytest.mark.parametrize(
    "reply",
    [
        "550 Unknown domain",
        "550 5.1.1 host relay.example.com not found",
        "550 The domain shop.example.com does not exist",
        "550 does not exist",
        "550 bestaat niet",
        "550 unbekannt",
    ],
)
def test_a_missing_thing_other_than_the_recipient_is_not_a_hard_reply(reply):
    assert classify_reply(reply, RELAY) not in HARD_VERDICTS


@pytest.mark.parametrize(
    "reply",
    [
        "550 The writer of this letter has no mailbox with us",
        "550 Mailbox closed for holidays",
        "550 5.7.1 Connecting user is deactivated",
        "550 user mailbox has reached its ceiling and was disabled",
        "550 Antiharvest: pretending user unknown",
        "550 Het opgegeven From-adres bestaat niet",
        "550 Postfach wegen Umstellung geschlossen",
        "550 Forfait expiré, compte désactivé",
        "550 Usuario no encontrado por un error interno",
        "550 Utente in ferie, casella chiusa",
        "550 Abonament wygasł, konto wyłączone",
        "550 Brugeren findes ikke lige nu",
        "550 A felhasználó nem található, szerverhiba",
    ],
)
def test_a_reply_with_an_unknown_word_is_not_hard(reply):
    assert classify_reply(reply, RELAY) not in HARD_VERDICTS
    assert classify_reply(reply, REPORT) not in HARD_VERDICTS


@pytest.mark.parametrize(
    ("about_a_thing", "about_the_recipient"),
    [
        ("550 user map not found", "550 User unknown in local recipient table"),
        ("550 mailbox format invalid", "550 Invalid mailbox"),
        ("550 system account disabled", "550 No such account on this system"),
        ("550 Server niet gevonden voor deze gebruiker", "550 Mailbox bestaat niet op deze server"),
        ("550 Server des Benutzers nicht gefunden", "550 Benutzer auf diesem Server nicht gefunden"),
        ("550 Serveur du destinataire introuvable", "550 Destinataire introuvable sur ce serveur"),
        ("550 Erreur inconnue, compte", "550 Compte inconnu"),
    ],
)
def test_a_missing_thing_of_the_recipient_is_not_a_missing_recipient(about_a_thing, about_the_recipient):
    assert classify_reply(about_a_thing, RELAY) not in HARD_VERDICTS
    assert classify_reply(about_the_recipient, RELAY) in HARD_VERDICTS


def test_status_5_1_1_outweighs_one_unknown_word_and_not_two():
    assert classify_reply("550 5.1.1 recipient mailbox unallocated zzz", RELAY) is Verdict.ADDRESS_UNKNOWN
    assert classify_reply("550 5.1.1 user unknown (foo bar)", RELAY) is Verdict.UNCLEAR
    assert classify_reply("550 user unknown (foo)", RELAY) is Verdict.UNCLEAR


def test_the_recipients_own_name_and_ids_are_not_unknown_words():
    assert classify_reply("550 Jan Smit no longer works here (ref a1-b2c3)", RELAY) is Verdict.ADDRESS_UNKNOWN


@pytest.mark.parametrize("phase", ["connect", "helo", "auth", "mail"])
@pytest.mark.parametrize("reply", GONE)
def test_no_reply_before_rcpt_is_hard(reply, phase):
    context = ReplyContext(recipients=(READER,), senders=(SENDER,), phase=phase)
    assert classify_reply(reply, context) not in HARD_VERDICTS


@pytest.mark.parametrize(
    "reply",
    [
        f"550 5.1.1 <{READER}>: Recipient address rejected: User unknown in relay recipient table",
        "550 5.1.1 User unknown. Message returned to sender",
        "550 Mailbox bestaat niet, retour afzender",
        "550 Empfänger unbekannt, zurück an den Absender",
        "550 No mailbox by that name is currently available",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "553 sorry, your envelope recipient is in my badrcptto list",
        f"550 5.1.1 <{READER}>... Addressee unknown, relay=[192.0.2.7]",
        "550 relay.reader.example.net: No such user",
        "550 No such mailbox. Please check the address and try again",
        "550 #5.1.0 Address rejected.",
        "550 5.1.1 Boite du destinataire archivee. OFR_417 [417]",
        "550 jan.smit is not a mailbox here",
        "550 User jan.smit is disabled",
        "550 Recipient is no longer with the company",
        "550 5.1.1 <jan.smit@reader.example.net>: no longer a customer of ours",
    ],
)
def test_words_with_another_meaning_in_a_fixed_phrase_cause_no_doubt(reply):
    assert classify_reply(reply, RELAY) in HARD_VERDICTS


def test_the_name_of_our_account_is_not_taken_for_a_recipient():
    assert classify_reply("550 User weekly is disabled", RELAY) is Verdict.SENDER_FAULT


def test_an_8_bit_reply_is_read_as_utf_8_or_else_as_latin_1():
    assert decode_octets("compte désactivé".encode()) == "compte désactivé"
    assert decode_octets("compte désactivé".encode("latin-1")) == "compte désactivé"


@pytest.mark.parametrize(
    "words",
    [
        (
            "The email address you entered couldn't be found. Please check the recipient's email address and try to resend the message. "
            "If the problem continues, please contact your helpdesk.\n\nDiagnostic information for administrators:\n\nGenerating server: "
        ),
        (
            "Het ingevoerde e-mailadres is niet gevonden. Controleer het e-mailadres van de geadresseerde en probeer het bericht opnieuw te "
            "verzenden. Neem contact op met uw helpdesk.\n\nDiagnostische gegevens voor beheerders:\n\nBron-server: "
        ),
        (
            "Die von Ihnen eingegebene E-Mail-Adresse konnte nicht gefunden werden. Versuchen Sie, die Nachricht erneut zu senden. Wenden Sie "
            "sich an Ihren Helpdesk.\n\nDiagnoseinformationen für Administratoren:\n\nGenerierender Server: "
        ),
        (
            "L'adresse de messagerie que vous avez entrée est introuvable. Réessayez d'envoyer le message, ou contactez votre support "
            "technique.\n\nInformations de diagnostic pour les administrateurs :\n\nServeur de génération : "
        ),
    ],
    ids=["en", "nl", "de", "fr"],
)
@pytest.mark.parametrize(
    "said",
    [
        "#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##",
        "Remote Server returned '550 5.1.1 User unknown'",
    ],
)
def test_the_words_of_a_report_around_a_reply_cause_no_doubt(words, said):
    report = (
        f"Return-Path: <>\nFrom: postmaster@reader.example.net\nTo: {SENDER}\nSubject: Undeliverable: News\n"
        f"Content-Type: text/plain; charset=utf-8\n\nDelivery has failed:\n\n{READER}\n{words}mail.reader.example.net\n\n"
        f"{READER}\n{said}\n"
    )
    (failure,) = classify_message(report.encode()).failures
    assert failure.verdict is Verdict.ADDRESS_UNKNOWN


def test_every_word_has_its_source_and_year():
    assert all(row.source and re.match(r"\d{4}", row.seen) for row in REPLY_WORDS)
    assert all(rule.source and re.match(r"\d{4}", rule.seen) for rule in DOMAIN_DOUBT_RULES)
    assert all(re.compile(row.words) for row in REPLY_WORDS)
