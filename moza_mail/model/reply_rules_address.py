"""Rules about the address: disabled, unknown domain, unknown user.

The last rules are about policies, and about replies that no other rule matches.
"""

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.reply_word import WordRole
from moza_mail.model.reply_words import join_in_either_order
from moza_mail.model.verdict import Verdict

ADDRESS_RULES = (
    # Relays refuse addresses on their own lists of earlier bounces.
    ReplyRule(
        name="relay_suppression_list",
        verdict=Verdict.DISABLED,
        words=r"suppression list|previously bounced|marked as inactive|has suppressed sending",
        is_kept_by_4xx=True,
        source="SES; Mailgun; Postmark: the relay's own suppression list",
        seen="2026-10-02",
    ),
    ReplyRule(
        name="disabled_status",
        verdict=Verdict.DISABLED,
        status=r"5\.2\.1|[45]\.7\.(?:13|505)",
        words=(
            r"disabled|inactive|suspended|closed|deactivated|terminated|frozen|locked|blocked|banned|"
            r"not active|expired"
        ),
        source="Gmail DisabledUser; Yahoo 554.30; Orange 418/426; OfficeDocs 5.7.505",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="disabled_words",
        verdict=Verdict.DISABLED,
        code=r"(?!4)",
        words=(
            r"(?:account|mailbox|mail ?box|user|recipient|rcpt|address|alias|email|"
            r"domain)[a-z<>@\.'\(\) -]{0,60}\b(?:disabled|suspended|closed|deactivated|terminated|frozen|"
            r"locked|inactive|no longer active|discontinued|expired|not active|not activated|is blocked|no longer accepts|"
            r"blocked due to inactivity)|"
            r"(?:disabled|inactive|closed|suspended|deactivated|archived|expired) (?:e-?mail )?(?:user|"
            r"account|mailbox|recipient|address)|mapiexceptionmailboxdisabled|accountdisabled|"
            r"mailbox disabled|archivee|est bloque|status is locked|is not accepting (?:any )?mail|"
            r"no longer an? (?:active|employee|customer)|this account is not allowed|account closed|"
            r"rcp-t4|ofr\d*_(?:418|426)|lpn\d*_426|konto.{0,20}(?:gesperrt|deaktiviert)|opgeheven|"
            r"banned recipient|mailbox cannot be accessed|\binactive\b|now disabled|"
            r"not used for more than|ha expirado|abgelaufen|(?:account|compte|cuenta|conta|konto|casella|mailbox|gebruiker|benutzer)[a-zéè ]{0,20}"
            r"(?:gesperrt|gel[oö]scht|gedeactiveerd|deaktiviert|geblokkeerd|d[ée]sactiv|suspendid|deshabilitad|disattivat|opgezegd|verwijderd)|"
            r"(?:account|mailbox|user|address|was|been|is) (?:permanently )?(?:deleted|removed|cancell?ed|retired)|no longer in use|"
            r"cancell?ed (?:the|this|his|her|their) (?:account|mailbox)"
        ),
        source="Sisimai suspend; Yahoo; Mail.ru; Lycos; Orange",
        seen="2026-08-04",
    ),
    # At KDDI, these words mean the reader's own filter if no address precedes them.
    ReplyRule(
        name="kddi_filter",
        verdict=Verdict.UNCLEAR,
        code=r"55\d",
        words=r"^\W*:\s*user unknown",
        source="Sisimai rhost/for-kddi.go: '550 : User unknown' without an address is the reader's filter",
        seen="2025-02-23",
    ),
    # At NTT docomo, these words mean the reader's own filter.
    ReplyRule(
        name="docomo_filter",
        verdict=Verdict.UNCLEAR,
        code=r"55\d",
        server=r"docomo",
        words=r"unknown user",
        source="Sisimai rhost/for-nttdocomo.go: after DATA it is a filter of the reader",
        seen="2025-02-23",
    ),
    # Must precede `domain_status`, which reads 5.1.10 as a null MX (RFC 7505).
    ReplyRule(
        name="exchange_recipient_not_found",
        verdict=Verdict.ADDRESS_UNKNOWN,
        status=r"5\.1\.10",
        words=r"recipientnotfound|not found by smtp",
        source="OfficeDocs-Exchange 5.1.10",
        seen="2021-07-14",
    ),
    ReplyRule(
        name="domain_status",
        verdict=Verdict.DOMAIN_UNKNOWN,
        status=r"5\.1\.2|5\.1\.10$|5\.4\.4|5\.7\.18",
        words=(
            r"domain|host|null ?mx|mx record|nonexistent|no such|unknown|not found|unroutable|unrouteable|"
            r"dns|^\W*$"
        ),
        source="RFC 3463, 7505",
        seen="2014",
    ),
    ReplyRule(
        name="domain_words",
        verdict=Verdict.DOMAIN_UNKNOWN,
        words=(
            r"null ?mx|does not accept mail(?! from)|"
            r"(?:host|domain)(?: or domain name)? (?:is )?(?:not found|unknown|does not exist|"
            r"not reachable|name not found|nonexistent)|domain not found|unknown (?:host|domain)|"
            r"no such (?:domain|host)|could(?:n't| not) find any host|couldn't find the recipient domain|"
            r"weren't able to find the recipient domain|nxdomain|nonexistentdomain|invalid dns mx|"
            r"infodomainnonexistent|non-existent (?:hosts|domain)|no mx (?:found |for|record)|"
            r"mail exchanger or ip address|name or service not known|nodename nor servname|"
            r"unable to look ?up host|no route found to domain|mail domain mentioned|host unknown|"
            r"infodomain|dns domain .{1,80} does not exist|hosted tenant|dns error when resolving|"
            r"domain (?:must exist|is a dead)|exchanger.{0,30}not exist|tenant or domain not found|"
            r"no mail-enabled subscriptions"
        ),
        source="Postfix smtp_addr.c; qmail-remote; Exim; Exchange; Domino; Google 'NXDOMAIN'",
        seen="2026-08-22",
    ),
    ReplyRule(
        name="microsoft_recipient",
        verdict=Verdict.ADDRESS_UNKNOWN,
        status=r"5\.4\.1|5\.5\.0|5\.7\.504",
        words=r"recipient address rejected: access denied|mailbox unavailable",
        source="OfficeDocs-Exchange 5.4.1 DBEB, Outlook 5.5.0, 5.7.504",
        seen="2021-07-14",
    ),
    # Only the phase shows that Cisco refuses the recipient. Other servers write these words, without `#`, for any reason.
    ReplyRule(
        name="cisco_bare_recipient",
        verdict=Verdict.ADDRESS_UNKNOWN,
        code=r"5",
        server=r"#5\.1\.0 address rejected\.?(?!.*(?:addr|sender|from))",
        phases=frozenset({"rcpt"}),
        source="Cisco/IronPort default reply of the recipient table; coviserver.de",
        seen="2026-11-30",
    ),
    # Without the reader's address these words are ambiguous: see `bare_rejection`.
    ReplyRule(
        name="cisco_recipient",
        verdict=Verdict.ADDRESS_UNKNOWN,
        status=r"5\.1\.0",
        words=r"address rejected\W+(?:addr|rcpt)",
        source="Cisco/IronPort; kumomta; set-of-emails make-test-30",
        seen="2026-08-04",
    ),
    ReplyRule(
        name="bare_rejection",
        verdict=Verdict.UNCLEAR,
        words=(
            r"^\W*(?:#?5\.1\.0\W*)?(?:recipient )?address rejected\.?\W*$|"
            r"recipient address rejected: access denied"
        ),
        source="IronPort 5.1.0; Postfix access map",
        seen="2024",
    ),
    ReplyRule(
        name="address_status",
        verdict=Verdict.ADDRESS_UNKNOWN,
        status=r"5\.1\.(?:1|3|6|351)|5\.0\.\d*(?=1\.1)",
        source="RFC 3463: 5.1.1 unknown, 5.1.3 bad syntax, 5.1.6 moved",
        seen="2003",
    ),
    ReplyRule(
        name="no_valid_recipients",
        verdict=Verdict.UNCLEAR,
        code=r"554",
        words=r"error: no valid recipients",
        source="Postfix smtpd.c: DATA after refused RCPTs",
        seen="2026-08-22",
    ),
    ReplyRule(
        name="address_words",
        verdict=Verdict.ADDRESS_UNKNOWN,
        code=r"(?!4)",
        words=(
            r"(?:user|recipient|mailbox|mail ?box|account|address|addressee|alias|destinatario|"
            r"e-?mail address|local[- ]?part|person|name|member|subscriber|utilisateur|benutzer|"
            r"""destinataire|employee|client)[a-z<>@\.\"'\(\)\[\]:=\* _-]{0,70}?(?:unknown|"""
            r"not (?:be )?found|does(?:n't| not) exist|not exists?|n[o']t exist|not known|not listed|"
            r"not recogni[sz]ed|invalid|inconnu|sconosciuto|inesistente|errato|nicht bekannt|unavailable|"
            r"unavaiable|not available|not present|not valid|no longer valid|is not a (?:valid|known)|"
            r"not local|not ok|no longer (?:exists|on server|available|here)|was not found|"
            r"could not be found|cannot be verified|unrecognized|not our customer|not allowed|wrong|"
            r"incorrect|illegal)|"
            r"(?:no such|unknown|invalid|bad|illegal|nonexistent|non-existent|wrong|"
            r"incorrect) (?:or illegal |or unknown |virtual |local[- ]?|e-?mail |destination |mailing |"
            r"mail ?)*(?:user|recipient|mailbox|mail ?box|account|address|alias|person|addressee|name|"
            r"here|part|id\b|mail drop)|"
            r"no (?:mail[ -]?box|mailbox|account|one|user|recipient)[a-z ]{0,30}(?:here|by that name|"
            r"available|with that|found|at this)|does not (?:like|have an account|exist)|"
            r"doesn't have (?:an?|a) |not (?:a known|a valid|our) (?:user|customer|recipient)|"
            r"no valid recipients?|user unknown|unknown user|unrouteable address|unrouteable|unroutable|"
            r"mailbox not found|cannot find any match|badrcptto|recipnotfound|recipientnotfound|"
            r"unknown local|rcp-p1|int-p[134]|ofr\d*_416|lpn\d*_416|has moved|new address|"
            r"mailbox unavailable|nicht vorhanden|unbekannt|onbekend|bestaat niet|niet gevonden|"
            r"couldn't be found|no existe|n'existe pas|introuvable|there is no one|can't accept user|"
            r"email address lookup|undeliverable address|user path no exist|not email addresses|"
            r"not listed in|wasn't found|address not found|i cannot deliver mail for|reserved by rfc|"
            r"need fully-qualified address|invalid final delivery userid|is no longer valid|"
            r"recipient (?:address )?rejected(?:\W*$|: no |\. \(in reply to rcpt)|invalid-recipient|"
            r"not in recipient list|not a member of domain|invalidinsmtp|x\.400 address|"
            r"bad_recipient|dosn't exist"
        ),
        source="Sisimai userunknown; kumomta; node-bounce-handler; sitepackage.de; zone-mta",
        seen="2026-08-04",
    ),
    ReplyRule(
        name="address_words_more",
        verdict=Verdict.ADDRESS_UNKNOWN,
        code=r"(?!4)",
        words=(
            r"rcpt (?:is )?not (?:a |an )?(?:valid|known|active|local|existing)|not a local mailbox|validrcptto|"
            r"(?:user|person) (?:does(?:n't| not) live here|has left)|no longer works (?:here|at|for)|not find (?:the )?user|"
            r"rcpt\W{1,3}(?:is )?unknown|not a valid (?:mailbox|e-?mail address|address|account)|rcpt\W{1,3}no longer exists|no longer has an? (?:account|mailbox)|(?:do|does) not have a user|unrecogni[sz]ed (?:recipient|user|address)|mailbox (?:was |has been )?removed|(?:user|recipient|person) is not here|no (?:mailbox|account|user) for|no longer (?:with|works|employed)|has left (?:the|our)|is not a mailbox|there is no mailbox|\bretired\b"
        ),
        source="Common wording; qmail validrcptto",
        seen="2026-11-30",
    ),
    ReplyRule(
        name="closed_in_other_languages",
        verdict=Verdict.DISABLED,
        code=r"(?!4)",
        words=join_in_either_order(WordRole.CLOSED, WordRole.RECIPIENT),
        source="the words of these roles in `reply_words.py`",
        seen="2026-11-30",
    ),
    ReplyRule(
        name="unknown_in_other_languages",
        verdict=Verdict.ADDRESS_UNKNOWN,
        code=r"(?!4)",
        words=join_in_either_order(WordRole.GONE, WordRole.RECIPIENT),
        source="the words of these roles in `reply_words.py`",
        seen="2026-11-30",
    ),
    ReplyRule(
        name="policy_words",
        verdict=Verdict.POLICY,
        words=(
            r"policy|prohibit|not accepted|administrator|blocked|denied|refused|forbidden|restrict|"
            r"preferences|bounced by|access denied|rejected by|administrative|envelope blocked|"
            r"not allowed|go away|mass mailer|block-|customized-block|spoof|security policies|"
            r"symantec zodiac|ont ete bloques|no permit|is rejected,|protocol violation"
        ),
        source="Sisimai policyviolation, rejected, filtered",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="other_4xx",
        verdict=Verdict.TEMPORARY,
        code=r"4\d\d",
        source="RFC 5321: 4xx",
        seen="2008",
    ),
    ReplyRule(
        name="other",
        verdict=Verdict.UNCLEAR,
        source="",
        seen="",
    ),
)
