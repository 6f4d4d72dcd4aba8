"""Verdicts of replies. A reply about us, our domain or our quota never refuses or suppresses a recipient."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.model.address import Address
from moza_mail.model.classify_reply import RULES, classify_reply
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Envelope
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.reply_text import ReplyContext
from moza_mail.model.verdict import HARD_VERDICTS, SENDER_VERDICTS, Verdict

READER, SENDER = "jan@reader.example.net", "weekly@sender.example.org"
CONTEXT = ReplyContext(recipients=(READER,), senders=(SENDER,))
ENVELOPE = Envelope(sender=Address.parse(SENDER), recipient=Address.parse(READER))

REPLIES = [
    # About us: the address, the domain, the rights and the signature of the sender.
    (f"550 5.1.0 <{SENDER}>: Sender address rejected: User unknown in local recipient table", "sender_fault"),
    (f"550 5.1.8 <{SENDER}>: Sender address rejected: Domain not found", "sender_fault"),
    (f"450 4.1.8 <{SENDER}>: Sender address rejected: Domain not found", "sender_fault"),
    (f"550 5.1.7 <{SENDER}>: Sender address rejected: undeliverable address: unknown user", "sender_fault"),
    (f"550-Verification failed for <{SENDER}> 550-Unrouteable address 550 Sender verify failed", "sender_fault"),
    (f"550 5.1.1 <{SENDER}>: user unknown", "sender_fault"),
    ("550 5.1.2 the domain sender.example.org does not exist", "sender_fault"),
    ("550 5.1.8 Access denied, bad outbound sender. AS(42001)", "sender_fault"),
    (f"553 5.7.1 <{SENDER}>: Sender address rejected: not owned by user other@sender.example.org", "sender_fault"),
    ("554 5.2.252 SendAsDenied; not allowed to send as; STOREDRV.Submission.Exception", "sender_fault"),
    ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "sender_fault"),
    ("550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", "sender_fault"),
    ("550 5.7.26 This mail has been blocked because the sender is unauthenticated.", "sender_fault"),
    ("550 5.7.515 Access denied, sending domain does not meet the required authentication level", "sender_fault"),
    ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "sender_fault"),
    (f"554 5.7.1 <{READER}>: Relay access denied", "sender_fault"),
    ("530 5.7.57 Client not authenticated to send mail.", "sender_fault"),
    ("550 authentication required", "sender_fault"),
    ("550 Return-Path: mailbox does not exist", "sender_fault"),
    ("550 reverse-path rejected: no such user", "sender_fault"),
    ("550 The From address could not be verified: user unknown", "sender_fault"),
    ("553 mail from domain not found", "sender_fault"),
    ("550 your domain does not exist", "sender_fault"),
    ("550 unknown host in HELO", "sender_fault"),
    ("554 Your account is disabled, ask support", "sender_fault"),
    ("550 5.2.1 the sender's mailbox is disabled", "sender_fault"),
    ("550 5.7.1 this user is blocked from sending", "sender_fault"),
    ("550 Unknown originator", "sender_fault"),
    ("550 5.1.0 afzenderadres bestaat niet", "sender_fault"),
    ("550 Absender unbekannt", "sender_fault"),
    ("550 Adresse de l'expéditeur inexistante", "sender_fault"),
    ("550 Remitente desconocido", "sender_fault"),
    ("550 5.1.1 <bounce+x@other.example>: unauthorized sender", "sender_fault"),
    ("550 5.7.25 The IP address sending this message does not have a PTR record", "sender_fault"),
    # Our quota.
    ("550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients", "quota"),
    ("550 5.7.232 your trial tenant has exceeded its daily limit for external recipients", "quota"),
    ("454 Throttling failure: Daily message quota exceeded.", "quota"),
    ("550 5.4.5 Daily user sending limit exceeded.", "quota"),
    ("452 4.5.3 SubmissionQuotaExceeded", "quota"),
    (f"552 5.2.2 <{SENDER}> quota exceeded", "sender_fault"),
    ("451 4.7.1 Out of credits: buy more messages", "quota"),
    ("421 4.7.0 The number of allowed outgoing messages was exceeded. Try again later.", "quota"),
    # About the pace.
    ("432 4.3.2 Concurrent connections limit exceeded.", "throttled"),
    ("421 4.7.0 Too many connections from your host", "throttled"),
    ("550 5.1.1 <jan@reader.example.net> - 203.0.113.7 has sent to too many recipients this hour. IB607", "throttled"),
    # Temporary.
    ("451 4.7.1 Greylisting in action, please come back later", "temporary"),
    ("451 4.7.1 Try again later - greylisted to block spam", "temporary"),
    ("421 4.7.0 Temporary System Problem. Try again later", "temporary"),
    ("450 4.1.1 <jan@reader.example.net>: Recipient address rejected: unverified address", "temporary"),
    ("Connected to 10.5.1.1 but connection died. (#4.4.2)", "temporary"),
    ("451 lost connection with mx[10.5.1.1] while receiving the greeting", "temporary"),
    # The address.
    ("550 5.1.1 The email account that you tried to reach does not exist.", "address_unknown"),
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "address_unknown"),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "address_unknown"),
    ("554 delivery error: dd This user doesn't have a provider.example account", "address_unknown"),
    ("552 1 Requested mail action aborted, mailbox not found", "address_unknown"),
    ("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", "address_unknown"),
    ("550 User jan@reader.example.net does not exist", "address_unknown"),
    ("550 5.7.1 No such user! 1770727568-8kRk", "address_unknown"),
    ("550 Empfänger unbekannt", "address_unknown"),
    ("550 gebruiker onbekend", "address_unknown"),
    ("550 Retour afzender: postvak bestaat niet", "address_unknown"),
    ("550 An den Absender zurück: Empfänger unbekannt", "address_unknown"),
    ("550 Geen mailbox met die naam", "address_unknown"),
    ("550 Mailbox existiert nicht", "address_unknown"),
    ("550 Utente sconosciuto", "address_unknown"),
    ("550 El usuario no existe", "address_unknown"),
    ("550 Usuário não existe", "address_unknown"),
    ("550 Okänd användare", "address_unknown"),
    ("550 jan@reader.example.net is not a valid mailbox", "address_unknown"),
    ("550 This person no longer works here", "address_unknown"),
    ("550 BAD_RECIPIENT - see http://mail.example/undelivered", "address_unknown"),
    ("500 5.1.0 Unknown address error 550-'5.4.1 Recipient address rejected: Access denied. [X]'", "address_unknown"),
    ("550 Compte désactivé", "disabled"),
    ("550 Deze gebruiker is gedeactiveerd", "disabled"),
    ("550 Onvoldoende ruimte in de mailbox", "mailbox_full"),
    ("554 5.7.1 You are not allowed to use this sender address", "sender_fault"),
    ("550 5.2.1 This account has been deleted due to inactivity", "disabled"),
    ("550 5.2.1 The email account that you tried to reach is disabled.", "disabled"),
    ("554 30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30).", "disabled"),
    ("Host or domain name not found. Name service error for name=gmal.example type=A: Host not found", "domain_unknown"),
    ("556 5.1.10 recipient domain has a null MX", "domain_unknown"),
    # The mailbox and the message.
    ("550 <jan@reader.example.net>: Mailbox is full", "mailbox_full"),
    ("452 4.2.2 The recipient's inbox is out of storage space", "mailbox_full"),
    ("552 5.2.2 Boite du destinataire pleine", "mailbox_full"),
    ("452 <jan@reader.example.net> Mailbox size limit exceeded", "mailbox_full"),
    ("552 caixa postal cheia", "mailbox_full"),
    ("552 Das E-Mail ist zu groß", "too_large"),
    ("534 SIZE=Message too big.", "too_large"),
    ("550 5.1.1 RCPT TO:<jan@reader.example.net> max message size exceeded", "too_large"),
    ("554 5.6.0 STOREDRV; content conversion error", "content"),
    ("554 5.7.1 This message looks like spam", "content"),
    # Block lists and rules.
    ("554 5.7.1 Service unavailable; client host [192.0.2.7] blocked using zen.spamhaus.org", "policy"),
    ("550 5.7.1 [192.0.2.7] is on our block list (S3150)", "policy"),
    ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", "policy"),
    ("550 5.7.1 You are not authorized to send to this group", "policy"),
    ("551 5.7.1 Due to the low reputation of the sending domain, this message has been blocked", "policy"),
    # More than one meaning.
    ("550 <jan@reader.example.net>: Destinatario desconocido o mailbox lleno", "unclear"),
    ("550 jan@reader.example.net does not accept mail from you", "policy"),
    ("500 The recipient was unavailable to take delivery of the message", "temporary"),
    ("550 5.1.0 Address rejected.", "unclear"),
    ("550 no", "unclear"),
    ("550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more", "temporary"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "verdict"), REPLIES)
def test_a_reply_has_the_expected_verdict(reply, verdict):
    assert classify_reply(reply, CONTEXT) is Verdict(verdict)


@pytest.mark.parametrize(
    ("phase", "reply", "verdict"),
    [
        ("mail", "550 5.1.1 user unknown", "address_unknown"),
        ("mail", "554 no", "sender_fault"),
        ("connect", "554 no SMTP service here", "policy"),
        ("helo", "550 go and learn your name", "sender_fault"),
    ],
)
def test_a_refusal_before_rcpt_refuses_no_recipient(phase, reply, verdict):
    envelope_phase = Phase.MAIL if phase == "mail" else Phase.CONNECT
    outcome = to_outcome(Reply.parse(int(reply[:3]), reply[4:]), envelope_phase, ENVELOPE)
    assert outcome.state is not DeliveryState.REFUSED or phase in {"connect", "helo"}
    if verdict not in HARD_VERDICTS:
        assert classify_reply(reply, ReplyContext(phase=phase)) is Verdict(verdict)


def test_a_diagnostic_of_another_server_that_denies_relaying_is_unclear():
    report = ReplyContext(recipients=(READER,), is_report=True)
    assert classify_reply("554 5.7.1 Relay access denied", report) is Verdict.UNCLEAR


def test_a_hard_reply_about_another_address_is_unclear():
    assert classify_reply("550 5.1.1 <other@elsewhere.example>: user unknown", CONTEXT) is Verdict.UNCLEAR


@pytest.mark.parametrize(
    "text",
    [
        "550 mail from mx.example.net[10.5.1.1] was not taken",
        "550 rejected by filter 4.16.55.1",
        "550 Sendmail 8.13.1 says no",
    ],
)
def test_a_number_in_an_ip_address_or_a_version_is_not_a_status(text):
    assert classify_reply(text, CONTEXT) not in HARD_VERDICTS


FRAMES = st.sampled_from(
    [
        "550 5.1.1 {}: user unknown",
        "550 5.1.1 <{}>: Recipient address rejected: User unknown in local recipient table",
        "550 {} does not exist",
        "554 5.7.1 {}: mailbox unavailable",
        "550 5.2.1 {} is disabled",
        "550 5.1.2 {}: host or domain name not found",
        "550 5.4.4 unroutable {}",
        "552 5.2.2 {} mailbox full",
        "552 5.3.4 {} message too large",
        "550 {}",
        "501 5.1.3 bad address syntax {}",
        "451 4.1.1 {} unknown user",
        "550-5.1.1 {}\r\n550 5.1.1 no such user here",
        f"550 5.1.1 <{READER}>: {{}} user unknown",
    ]
)
NAMES = st.sampled_from(
    [SENDER, SENDER.upper(), f"<{SENDER}>", "sender.example.org", "bounce+tok@sender.example.org"]
)
QUOTAS = st.sampled_from(
    [
        "you have exceeded your daily sending quota",
        "you've reached your daily limit for message recipients",
        "sender quota exceeded",
        "sending limit exceeded",
        "your account has exceeded its hourly sending limit",
        "SubmissionQuotaExceeded",
        "quota exceeded for sender",
        "the sender has exceeded the daily quota",
        "daily message quota exceeded",
        "message quota of the sender is used up",
        "sender over quota",
        "maximum number of messages per day reached for this account",
        "sending rate limit exceeded for user weekly",
    ]
)  # fmt: skip


@given(FRAMES, NAMES, st.sampled_from(list(Phase)))
def test_no_reply_that_names_the_sender_refuses_or_suppresses_a_recipient(frame, name, phase):
    assert_reader_is_kept(frame.format(name), phase)


@given(FRAMES, QUOTAS, st.sampled_from(list(Phase)))
def test_no_reply_about_the_senders_quota_refuses_or_suppresses_a_recipient(frame, quota, phase):
    assert_reader_is_kept(re.sub(r"(?i)mailbox full|message too large", "", frame).format(quota), phase)


@given(
    st.sampled_from(["550 5.1.1 {}", "550 {}", "554 5.7.0 {}", "452 4.2.2 {}", "552 5.2.2 {}", "450 {}"]),
    QUOTAS,
)
def test_the_senders_quota_is_never_taken_for_a_full_mailbox(frame, quota):
    assert classify_reply(frame.format(quota), CONTEXT) in SENDER_VERDICTS | {Verdict.THROTTLED}


OWN_NAMES = (
    "return path", "Return-Path", "reverse-path", "envelope sender", "envelope-from address", "MAIL FROM address",
    "From address", "From domain", "originator", "sender address", "sender's mailbox", "sender domain", "sending account",
    "sending domain", "your e-mail address", "your address", "your account", "your mailbox", "your domain", "your hostname",
    "HELO name", "EHLO host", "afzender", "afzenderadres", "Absender", "Absenderadresse", "expéditeur", "émetteur",
    "mittente", "remitente", "remetente",
)  # fmt: skip
FAULTS = (
    "does not exist", "doesn't exist", "is unknown", "unknown", "not found", "is not known", "is invalid", "has no MX record",
    "is disabled", "is inactive", "has been suspended", "is locked", "is closed", "has expired", "is full", "is over quota",
    "cannot be verified: no such user", "not verified", "bestaat niet", "onbekend", "unbekannt", "existiert nicht",
    "ist ungültig", "inconnu", "inexistante", "sconosciuto", "desconocido", "no existe",
)  # fmt: skip
FRONTS = ("550", "550 5.1.1", "550 5.1.2", "550 5.2.1", "550 5.2.2", "550 5.7.1", "553 5.1.3", "554", "501", "552", "551 5.1.6")  # fmt: skip
AROUND = (
    "{}", "Message refused: {}", "The {}", "Sorry, the {}. Contact your administrator", f"<{READER}>: {{}}",
    f"<{READER}>: Recipient address rejected: {{}}", "{} (in reply to RCPT TO command)", "5.7.1 {} [mx.example.net]",
    "Access denied - {}", "rejected ({})",
)  # fmt: skip


@given(
    st.sampled_from(FRONTS),
    st.sampled_from(AROUND),
    st.sampled_from(OWN_NAMES),
    st.sampled_from(FAULTS),
    st.sampled_from([Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY]),
)
def test_no_reply_about_our_address_or_account_refuses_or_suppresses_a_recipient(
    front, around, name, fault, phase
):
    assert_reader_is_kept(f"{front} {around.format(f'{name} {fault}')}", phase)


AUTHOR = "redactie@author.example.org"


@given(FRAMES, st.sampled_from([AUTHOR, f"<{AUTHOR}>", "author.example.org"]), st.sampled_from(list(Phase)))
def test_the_from_address_counts_as_ours_even_if_the_return_address_has_another_domain(frame, name, phase):
    envelope = replace(ENVELOPE, author=Address.parse(AUTHOR))
    assert_reader_is_kept(frame.format(name), phase, envelope)


def test_a_recipient_at_our_own_domain_can_be_unknown():
    reader = "jan@sender.example.org"
    envelope = Envelope(sender=Address.parse(SENDER), recipient=Address.parse(reader))
    outcome = to_outcome(Reply.parse(550, f"5.1.1 <{reader}>: user unknown"), Phase.RCPT, envelope)
    assert outcome.verdict is Verdict.ADDRESS_UNKNOWN


def assert_reader_is_kept(text, phase, envelope=ENVELOPE):
    outcome = to_outcome(Reply.parse(int(text[:3]), text[4:]), phase, envelope)
    assert outcome.verdict not in HARD_VERDICTS | {Verdict.MAILBOX_FULL, Verdict.TOO_LARGE, Verdict.UNCLEAR}
    assert outcome.state is not DeliveryState.REFUSED


def test_every_rule_has_its_source_and_year():
    assert len({rule.name for rule in RULES}) == len(RULES) > 60
    assert all(rule.source and re.match(r"\d{4}", rule.seen) for rule in RULES[:-1])
    assert all(re.compile(pattern) for rule in RULES for pattern in (rule.words, rule.status, rule.code))
