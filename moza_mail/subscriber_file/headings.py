"""Recognise what a column means by its heading, in Dutch, English, German and French."""

import re
from enum import StrEnum
from functools import lru_cache

from moza_mail.model.mailing_list import ATTRIBUTE_NAME
from moza_mail.subscriber_file.inversions import (
    CONSENT,
    NEWSLETTER,
    PERMISSION,
    VERIFIED,
    WEAK_CONSENT,
    Inversion,
    find_inversion,
    has_unknown_words,
    is_negated,
    mentions_consent,
)
from moza_mail.subscriber_file.row_state import normalise


class ColumnRole(StrEnum):
    """The meanings of a column.

    status: a word for the state of the subscription.
    optional_status: a status whose empty cells say nothing.
    permission, consent: yes or no, a date, or the words of the consent.
    verified: yes, or the date of the confirmation.
    consent_date: the date of the sign-up or the consent.
    precondition: yes, or a date, if the address works or the account is active. That is no consent to mail.
    unconfirmed: yes, or a date, if the consent was not given or not confirmed, as under `opt-in pending`.
    unclear: about consent, but a person must say what its values mean.
    unsubscribed, suppressed, bounced, complained: yes, a date or a reason, if that happened.
    private: never stored.
    other_channel: about another matter, such as post, telephone or an order. Its values say nothing about mail.
    unrelated: says nothing about mail.
    other: the heading is not known.
    """

    EMAIL = "email"
    NAME = "name"
    FIRST_NAME = "first_name"
    INFIX = "infix"
    LAST_NAME = "last_name"
    LANG = "lang"
    STATUS = "status"
    OPTIONAL_STATUS = "optional_status"
    PERMISSION = "permission"
    CONSENT = "consent"
    VERIFIED = "verified"
    PRECONDITION = "precondition"
    UNCONFIRMED = "unconfirmed"
    UNCLEAR = "unclear"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    CONSENT_DATE = "consent_date"
    CREATED = "created"
    SOURCE = "source"
    PRIVATE = "private"
    OTHER_CHANNEL = "other_channel"
    UNRELATED = "unrelated"
    OTHER = "other"


POSITIVE = frozenset(
    {
        ColumnRole.STATUS,
        ColumnRole.OPTIONAL_STATUS,
        ColumnRole.PERMISSION,
        ColumnRole.CONSENT,
        ColumnRole.VERIFIED,
    }
)
"""Columns that can say that somebody may be mailed."""
NEGATIVE = frozenset(
    {
        ColumnRole.PRECONDITION,
        ColumnRole.UNCONFIRMED,
        ColumnRole.UNSUBSCRIBED,
        ColumnRole.SUPPRESSED,
        ColumnRole.BOUNCED,
        ColumnRole.COMPLAINED,
    }
)
"""Columns that can only say that somebody may not be mailed."""

# Words that make a heading a date, a source or a reason. The rest of the heading names the subject, as in
# `unsubscribe date`.
DATE_PART = r"\b(?:date|datum|time|timestamp|tijd|tijdstip|zeit|zeitpunkt|at|op|am|on|le|since|sinds|seit|depuis|moment|wanneer|when|per)\b"
SOURCE_PART = r"\b(?:source|bron|via|quelle|origin|herkomst|methode|method|url|referrer|page|pagina|form|formulier|formular|location)\b|\b(?:tekst|wording|omschrijving|description)$"
REASON_PART = (
    r"reason|reden|grund\b|\braison|\bmotif|\btype\b|comment|toelichting|omschrijving|\bmessage|\bcause\b|oorzaak|ursache|"
    r"\bsource\b|\bbron\b|quelle"
)

LEFT = (
    r"unsub|uitgeschr|uitschr|afgemeld|afmeld|opgezegd|opzeg|abgemeldet|abmeld|austrag|ausgetragen|abbestell|desabon|desinscr|"
    r"optout|opted ?out|cancel|geannuleerd|annule|churn|deactiv|gedeactiv|deaktiv|desactiv|\bstop|gestopt|stopgezet|delet|verwijder|"
    r"gelosch|losch|supprim|remov|email disabled|beeindig|\bleft\b|revok|withdr|ingetrokken|intrek|widerruf|refus|geweiger|bezwaar|"
    r"\bbajas?\b|disiscri|desuscri|dessubscri|disattiv|cancellat|annullat|eliminat|eliminad|rimoss|revoca|revoqu|rechaz|rifiut|ritirat|"
    r"retirad|zuruckgezogen|zurueckgezogen|teruggetrokken|abgelehnt|verweiger|declin|gekundigt|kundigung|geloescht|austritt|uittreed|"
    r"laatste (?:nummer|editie)|last (?:issue|edition)|letzte ausgabe|dernier numero|resili|objection|object(?:ed)?\b|opposition|widerspr|einspruch|archived|vertrokken|niet meer|no longer|nicht mehr|\bended|expired|uit dienst|"
    r"(?:geen|no|keine?|pas de|sans) (?:bulk )?(?:e?mails?\b|mail|email|post|nieuwsbrief|newsletter|news|reclame|werbung|marketing)|not interested|vervallen|afgevoerd"
)
BLOCKED = (
    r"black ?list|block|blokk|geblok|bloqu|sperr|suppress|exclu|uitgesloten|disabled|banned|verbannen|do ?not|\bdnc\b|dont contact|"
    r"niet (?:mail|benader|contact|bericht|versturen|sturen|email)|nicht (?:kontakt|mail|anschreiben)|ne pas|overleden|deceased|verstorben|"
    r"zwarte lijst|liste noire|lista negra|lista nera|bloccat|esclus|excluid|uitgeschakeld|suspend|geschorst|quarantin|no contact|geen contact|robinson|opgeschort|frozen|bevroren|restricted"
)
BOUNCED = r"bounc|\breject(?:s|ed|ions?)\b|\bdsn\b|smtp reply|(?:last|laatste|letzter?|derniere) (?:error|fout|fehler|erreur)|error count|failed deliver|npai|rebot|rimbalz|rebond|nicht zustell|niet bezorg|no entregad|non recapit|ungueltig|ruckl|rueckl|clean|opgeschoond|onbestel|onbezorg|undeliver|unzustell|non (?:delivr|distrib)|invalid|ongeldig|ungultig|\bretour|\bdead\b"
COMPLAINED = (
    r"complain|queja|reclamo|segnalat|klacht|geklaagd|plainte|beschwerde|spam|abuse|junk|feedback loop"
)
STATUS = r"status|\bstate\b|statut|\bstand\b|toestand|zustand|\betat\b|\bfase\b|\bphase\b|situati|situaz|situac|lifecycle|stadium|gesteldheid"

NEVER = (
    r"\bip\b|\bip ?addr|\bip ?adres|latitude|longitude|\blat\b|\blon\b|\blng\b|gmtoff|dstoff|\bleid\b|\beuid\b|member rating|"
    r"\brating\b|\bopens?\b|\bopened\b|\bclicks?\b|\bclicked\b|open rate|click rate|^(?!.*(?:optin|consent|confirm|permis|subscri)).*\bsent\b|(?:lead|engagement|email) score|user ?agent|device|browser|"
    r"last (?:activity|open|click|seen|visit|login|email|mail)|laatste (?:activiteit|klik|opening|bezoek)|^activity$|geo\b|geolocation|"
    r"cookie|tracking|fingerprint|^(?:lead |contact )?points$"
)
UNRELATED = (
    r"afdeling|department|abteilung|\bservice\b|sector|branche|industr|thema|\btopic|onderwerp|\brol\b|\brole\b|position|leeftijd|\bage\b|doelgroep|\bwijk|"
    r"district|gemeente|municipal|\bstadt|school|\bklas|\bteam|\byear|\bjaar|\bjahr|maand|month|color|colour|kleur|farbe|\bclub|nickname|bijnaam|"
    r"\bsms\b|whatsapp|phone|telefo|mobiel|mobile|\bfax\b|\bpush\b|\btrack|cookie|landline|gsm\b|"
    r"stripe|expir|renew|payment|betal|invoice|factuur|\bplan\b|\btier|complimentary|first payment|active subscription|paid|prefer digests|"
    r"gender|geslacht|sekse|anrede|aanhef|salutation|civilite|birth|geboren|geboorte|\bborn\b|\bdob\b|jarig|geburt|naissance|verjaardag|"
    r"\baddress\b|\badres\b|\badresse\b|straat|street|strasse|\brue\b|postcode|postal|\bplz\b|\bzip\b|\bplaats\b|\bcity\b|\bstad\b|\bort\b|"
    r"\bville\b|country|\bland\b|\bpays\b|province|provincie|region\b|\bcc\b|timezone|"
    r"\bid\b|\breviewed\b|\buuid\b|\bguid\b|unique|member id|record|contact owner|\bnr\b|nummer|number|nummer|^lidnr$|relatiecode|klantnr|external|foreign key|"
    r"notes?\b|opmerking|notitie|bemerkung|remarques?|company|organi[sz]ati|organisatie|bedrijf|firma|societe|entreprise|functie|"
    r"job|title|titel|website|linkedin|twitter|metadata|attributes|additional data|html|campaign|campagne|"
    r"tags?\b|labels?\b|groups?\b|groepe?n?\b|\blists?\b|lijste?n?\b|segments?\b|interests?\b|moderation|subscription mode|"
    r"utm\b|modified|changed|gewijzigd|bijgewerkt|geandert|updated?\b|modifie|last update|count\b|aantal|anzahl|nombre|"
    r"laatste|last (?!name)|first (?!name)|currency|amount|bedrag|order|language of|lead|digest|deal|subscription source|username|gebruikersnaam|\burl\b|\bspen[dt]\b|\btotal|\bprice|\bprijs|\bticket|reference\b|referentie"
)
ACTIVE = (
    r"^(?:is |user |account |contact |klant |customer )*(?:active|actief|aktiv|actif|activo|attivo|enabled)$"
)
MEMBERS = (
    r"^(?:lid(?:nr|nummer|maatschap\w*)|(?:lid|member|mitglied|membre|adherent)(?: (?:sinds|since|seit|depuis|nr|no|number|nummer|type|soort|tot|until|bis))|"
    r"(?:lid|member|mitglieds?|membre) ?(?:id|status)|soort lid|contributie|mitgliedsnummer|mitgliedsbeitrag|cotisation|membership\b.*|adhesion)$"
)
REMARKS = (
    r"\bnotes?\b|\bnotas?\b|notiz|notitie|opmerking|bemerk|remark|remarque|comment|kommentar|observac|osservaz|\bmemo\b|toelichting|anmerkung|"
    r"omschrijving|description|beschreibung|bericht|message"
)
CODES = (
    r"\bcode\b|\bkode\b|\bcodice\b|\bcodigo\b|\bflag|\bvlag|kenmerk|indicat|kennzeichen|\bactie\b|\baction\b|aktion\b|reactie|reaction|"
    r"reaktion|repon|antwoord|antwort|respons|availab|\bresult|resultat|resultaat|uitslag|ergebnis|outcome|quality|kwaliteit|qualitat|besluit|"
    r"decision|keuze|choice|choix|auswahl|wunsch|\bwens|mailability|reachab|\bmark|\bvinkje|\bcheck\b|voorkeur|preference|preferenc"
)
CREATED = r"^(?:timestamp|tijdstempel|zeitstempel|horodateur|submitted(?: at| on)?)$|creat|start date|startdatum|added|toegevoegd|aangemaakt|entered|registered|registr|geregistreerd|hinzugefugt|erstellt|ajoute|joined|beigetreten|lid sinds|member since|imported|^date$|^datum$|^since$|^sinds$"

OTHER_CHANNELS = (
    r"^(?:papieren?|paper|gedruckter?|printed?) (?:nieuwsbrief|newsletter|magazine|krant)$|"
    r"^(?!.*(?:email|\bmail|newsletter|nieuwsbrief|digita)).*(?:\bsms|whatsapp|messenger|phone|telefo|\bdo ?not ?(?:call|trade)\b|\bfax\b|\bpush\b|"
    r"\bpostal|\bpostale?\b|\bbriefpost|\bper brief\b|"
    r"(?:toestemming|permissie|akkoord|optin|consent|permission|einwilligung|zustimmung|kontakt|contact|marketing)"
    r"(?: (?:voor|per|via|met|by|for|fur|par))?(?: de| die)? (?:post|brief|bellen|call|calls|courrier)\b)"
)

ELSEWHERE = (
    r"^(?:attendee|deelnemer|teilnehmer|order|bestel|bestell|ticket|payment|betaal|betaling|zahlung|invoice|factuur|shipping|fulfillment|financial) ?"
    r"(?:status|state|type)$|^(?:your |uw |je |ihr |votre )?(?:subject|onderwerp|betreff|objet|asunto|oggetto)$|"
    r"^(?:is )?(?:checked ?in|ingecheckt|eingecheckt)(?: (?:at|on|op|am))?$"
)
"""Headings about an order, an event or a message, in which a word such as `Cancelled` or `Complaint` says nothing about mail."""

HEADINGS: dict[ColumnRole, str] = {
    ColumnRole.EMAIL: (
        r"(?:email|mail|contact email|subscriber|subscriber email|courriel|email ?(?:address|adres|adresse)|adresse e?mail|adresse de courriel|mail ?adres|"
        r"mailadresse|primary email|email primary|user email|person email|indirizzo email|indirizzo di posta elettronica|correo|correo electronico|primary smtp address|smtp addr|customer email|emails?|email (?:1|value|1 value)|email of subscriber|"
        r"address|adres|adresse|your email|uw email|je email|email zakelijk|zakelijk email)"
    ),
    ColumnRole.FIRST_NAME: r"(?:first ?name|fname|voornaam|roepnaam|given ?name|prenom|vorname|voornamen)",
    ColumnRole.INFIX: r"(?:tussenvoegsels?|voorvoegsels?|infix|tussenv|prefix achternaam|namenszusatz|middle ?name|insertion)",
    ColumnRole.LAST_NAME: r"(?:last ?name|lname|surname|achternaam|familienaam|family ?name|nachname|nom de famille|familienname)",
    ColumnRole.NAME: r"(?:(?:your|uw|je|jouw|ihr|votre) )?(?:name|naam|subscriber name|contactpersoon|contact person|ansprechpartner|full ?name|volledige naam|display ?name|nom|nom complet|contact ?(?:name|naam)|weergavenaam|gecos|vollstandiger name|naam voluit)",
    ColumnRole.LANG: r"(?:lang|language|taal|langue|sprache|locale|preferred ?(?:locale|language)|hs language|voorkeurstaal|taalcode)",
}

# The first pattern that occurs in a heading decides. `sms_optout` says nothing about mail, so unrelated
# headings come first. `email_unsubscribed` is not a permission, so headings about leaving come before
# headings about permission.
RULES: tuple[tuple[ColumnRole, re.Pattern[str]], ...] = tuple(
    (role, re.compile(pattern))
    for role, pattern in (
        (ColumnRole.PRIVATE, rf"(?:{NEVER})"),
        (ColumnRole.OTHER_CHANNEL, OTHER_CHANNELS),
        (ColumnRole.OTHER_CHANNEL, ELSEWHERE),
        (ColumnRole.PRIVATE, r"^(?:mailings?|emails?|campaigns?|nieuwsbrieven|newsletters) (?:received|sent|delivered|ontvangen|verzonden)$"),
        (ColumnRole.UNRELATED, r"\b(?:mailing|other|billing|shipping|home|business) (?:city|street|state|province|zip|postal|country|address|post)"),
        (ColumnRole.UNRELATED, r"^(?:lead status|lifecycle stage|.*\bin sequence|moderation action|private|priority|sensitivity)$|\bsms\b|whatsapp|phone|telefo|\bpush\b|\btrack|^(?!.*(?:mail|news|nieuws|commun|contact|subscr|marketing)).*(?:preferences|voorkeuren)|\bkey\b|(?<!hard )bounces? ?count|number of|aantal|soft ?bounce|bounced? soft|(?<!status )\bid\b|campaign (?:title|id|name)|active subscription|subscription (?:tier|plan|level|fee|price)|subscription mode|subscription source|html"),
        (ColumnRole.CREATED, r"^(?:status ?(?:date|datum)|(?:date|datum) (?:du |de )?(?:status|statut))$"),
        (ColumnRole.STATUS, rf"^(?:{STATUS})$|\b(?:email|mail|contact|subscri\w*|delivery|lid|member|optin|permission|confirmation) (?:{STATUS})"),
        (ColumnRole.COMPLAINED, COMPLAINED),
        (ColumnRole.BOUNCED, BOUNCED),
        (ColumnRole.SUPPRESSED, BLOCKED.replace("disabled|", "(?<!email )disabled|")),
        (ColumnRole.UNSUBSCRIBED, LEFT),
        (ColumnRole.STATUS, STATUS),
        (ColumnRole.SOURCE, rf"^(?=.*(?:{CONSENT}|{PERMISSION}|{VERIFIED})).*{SOURCE_PART}|^(?:source|bron|quelle|origin|herkomst|source name)$"),
        (ColumnRole.CONSENT_DATE, rf"^(?!.*(?:{VERIFIED}))(?=.*(?:{CONSENT}|{PERMISSION})).*{DATE_PART}|(?:anmelde|einwilligungs|inschrijf|aanmeld|toestemmings|optin)(?:datum|date|tijd)|date d ?inscription|signup date"),
        (ColumnRole.PRECONDITION, r"^(?!.*(?:optin|consent|subscri|newsletter|nieuwsbrief)).*(?:email|mail|user|account|address|adres\w*) (?:\w+ )?(?:verif|geverifi|valid)"),
        (ColumnRole.PRECONDITION, ACTIVE),
        (ColumnRole.VERIFIED, VERIFIED),
        (ColumnRole.CONSENT, CONSENT),
        (ColumnRole.CREATED, CREATED),
        (ColumnRole.PERMISSION, PERMISSION),
        (ColumnRole.UNRELATED, rf"(?:{UNRELATED})"),
    )
)  # fmt: skip
ABOUT_CONSENT = POSITIVE | {ColumnRole.CONSENT_DATE}
MARK_HEADING = "mark in the workbook"
"""The heading of the column with marks such as `hidden row`, which is not in a workbook itself."""
NOTE_HEADING = "notes in the workbook"
COLOUR_HEADING = "colour in the workbook"
SECTION_HEADING = "title above the row"
ADDED_HEADINGS = frozenset({MARK_HEADING, NOTE_HEADING, COLOUR_HEADING, SECTION_HEADING})
"""Headings of columns that are not in a file itself."""
_LEAVING = re.compile(f"{COMPLAINED}|{BOUNCED}|{BLOCKED}|{LEFT}")
_WISH = (
    r"\b(?:wil|wilt|want|wish|wens|like|receive|ontvang\w*|subscribe|aanmelden|abonneren|abonnieren|empfang\w*|erhalten|recevoir|"
    r"souhait\w*|mocht\w*|moecht\w*|abonner)\b"
)
ASKS_FOR_NEWSLETTER = re.compile(rf"^(?=.*(?:{NEWSLETTER})).*{_WISH}")
"""A heading that asks for the newsletter in a sentence, such as `I want to receive the newsletter`."""
ASKS_FOR = re.compile(
    r"^(?:what is|what s|wat is|wie lautet|quel(?:le)? est|cual es|qual e) (?:your|uw|je|jouw|ihre?|votre|su|tu|il tuo|la tua) "
)
"""The beginning of a question of a form, such as `What's your email?`."""
REPLY = re.compile(r"\b(?:reactie|antwoord|reply|response|antwort|reponse|risposta|respuesta)\b")
"""A heading for the reply to a request for consent, such as `Reactie op AVG-mail`."""
RESERVED_NAMES = frozenset({
    "email", "e-mail", "e-mailadres", "emailadres", "mail", "address", "name", "naam", "consent", "toestemming", "state",
    "lang", "created_at", "confirmed_at", "unsubscribed_at", "attributes",
})  # fmt: skip
"""Names that an attribute cannot have."""
WORD_FORMS = (
    (re.compile(r"\be mail"), "email"),
    (re.compile(r"\bopt (in|out)"), r"opt\1"),
    (re.compile(r"\bdouble opt"), "double opt"),
    (re.compile(r"\bnews letter"), "newsletter"),
    (re.compile(r"\bun subscri"), "unsubscri"),
)
YES_OR_NO = re.compile(
    r"(?:^| )(?:yes (?:or )?no|y n|ja (?:of |oder )?(?:nee|nein)|j n|oui (?:ou )?non|o n|si no)(?= |$)"
)
"""The choice that a heading offers, as in `Newsletter (J/N)`."""
DYNAMICS_MARK = re.compile(r"^\(Do Not Modify\) ")
"""Microsoft Dynamics writes this before its own columns."""
LEGEND = re.compile(r"\([^()]*=[^()]*=[^()]*\)")
"""The meanings of codes in a heading, as in `Nieuwsbrief (1=ja, 2=nee)`."""
CODE = re.compile(r"([^\s(),;/=]+)\s*=\s*([^(),;/=]+)")
CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
NO_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=1024)
def normalise_heading(heading: str) -> str:
    """Return the words of a heading in one spelling.

    `EmailAddress`, `E-mail address` and `email_address` give the same result.
    """
    plain = LEGEND.sub("", DYNAMICS_MARK.sub("", heading))
    words = NO_WORD.sub(" ", normalise(CAMEL_CASE.sub(" ", plain))).strip()
    words = YES_OR_NO.sub("", words).strip() or words
    for pattern, replacement in WORD_FORMS:
        words = pattern.sub(replacement, words)
    return words


def find_codes(heading: str) -> dict[str, str]:
    """Return the meanings of the codes that a heading explains."""
    return {
        code.strip(): words.strip()
        for legend in LEGEND.findall(heading)
        for code, words in CODE.findall(legend)
    }


@lru_cache(maxsize=1024)
def find_role(heading: str) -> ColumnRole:
    """Return the meaning of a column, judged by its heading only."""
    words = normalise_heading(heading)
    for role, pattern in HEADINGS.items():
        if ASKS_FOR.match(words) and re.fullmatch(pattern, ASKS_FOR.sub("", words)):
            return role
        if re.fullmatch(pattern, words):
            return role
    role = next((role for role, pattern in RULES if pattern.search(words)), ColumnRole.OTHER)
    return _judge_sense(role, words) if role in NEGATIVE | ABOUT_CONSENT else role


def _judge_sense(role: ColumnRole, words: str) -> ColumnRole:
    """Return the role of a heading about consent or leaving, with its inverting words taken into account."""
    if role in NEGATIVE:
        return ColumnRole.UNCLEAR if is_negated(_LEAVING.sub(" ", words)) else role
    inversion = find_inversion(words)
    if role is ColumnRole.STATUS:
        is_doubtful = inversion is not Inversion.NONE and mentions_consent(words)
        return (
            ColumnRole.UNCLEAR
            if is_doubtful
            else ColumnRole.OPTIONAL_STATUS
            if has_unknown_words(words)
            else role
        )
    if inversion is Inversion.NONE and (ASKS_FOR_NEWSLETTER.search(words) or REPLY.search(words)):
        return ColumnRole.PERMISSION
    if inversion is Inversion.UNCLEAR or has_unknown_words(words):
        return ColumnRole.UNCLEAR
    if inversion is not Inversion.NONE:
        is_refusal = inversion is Inversion.ENDED or re.search(NEWSLETTER, words)
        return ColumnRole.UNSUBSCRIBED if is_refusal else ColumnRole.UNCONFIRMED
    return ColumnRole.UNCLEAR if re.fullmatch(rf"(?:is |has )?(?:{WEAK_CONSENT})\w*", words) else role


def is_foreign_status(heading: str) -> bool:
    """Return True for a status that is not only about the subscription, such as `Lead Status`."""
    return find_role(heading) is ColumnRole.OPTIONAL_STATUS


def is_about_privacy(heading: str) -> bool:
    """Return True for a heading that may only be about the privacy statement, such as `I agree to the privacy policy`."""
    words = normalise_heading(heading)
    return re.search(WEAK_CONSENT, words) is not None and re.search(PERMISSION, words) is None


def is_about_confirmation(heading: str) -> bool:
    """Return True for a heading about the confirmation of an address, such as `Laatst bevestigd`."""
    return re.search(VERIFIED, normalise_heading(heading)) is not None


def is_inverted(heading: str) -> bool:
    """Return True for a heading with a word that inverts it, such as `pending` or `not`."""
    return find_inversion(normalise_heading(heading)) is not Inversion.NONE


def names_newsletter(heading: str) -> bool:
    """Return True for a heading about a newsletter, such as `Nieuwsbrief Wonen`.

    A heading with an inverting word, such as `not`, does not count.
    """
    words = normalise_heading(heading)
    return re.search(NEWSLETTER, words) is not None and not is_inverted(heading)


def names_lists(heading: str) -> bool:
    """Return True for a heading such as `Mailing lists`, whose column may name lists."""
    return (
        re.fullmatch(
            r"(?:mailing ?list|mailinglijst|list|lijst|verteiler|newsletter list|liste de diffusion)(?:s|en|n)?",
            normalise_heading(heading),
        )
        is not None
    )


def is_about_members(heading: str) -> bool:
    """Return True for a heading such as `Lidnr` or `Lid sinds`, in a file about members of a society."""
    return re.search(MEMBERS, normalise_heading(heading)) is not None


def is_account(heading: str) -> bool:
    """Return True for a heading such as `Actief`, which is about an account or a membership."""
    return re.search(ACTIVE, normalise_heading(heading)) is not None


def is_remark(heading: str) -> bool:
    """Return True for a heading such as `Opmerkingen`, under which people write sentences."""
    return re.search(REMARKS, normalise_heading(heading)) is not None


def may_be_code(heading: str) -> bool:
    """Return True for a heading such as `Code` or `Response`, whose few values may say who left."""
    return re.search(CODES, normalise_heading(heading)) is not None


def gives_reason(heading: str) -> bool:
    """Return True if any text in the column counts as yes, as under `bounce reason`."""
    words = normalise_heading(heading)
    return re.search(REASON_PART, words) is not None


def names_reason(heading: str) -> bool:
    """Return True if the heading asks for a reason, which only some rows have."""
    return re.search(r"\b(?:reason|reden|grund|raison|motif)\b", normalise_heading(heading)) is not None


def attribute_names(heading: str) -> tuple[str, ...]:
    """Return the names that an attribute with this heading can have.

    For example, `Soort lid` is stored as `soort_lid`.
    """
    names = (heading.strip().lower(), normalise_heading(heading).replace(" ", "_"))
    return tuple(name for name in names if re.fullmatch(ATTRIBUTE_NAME, name) and name not in RESERVED_NAMES)
