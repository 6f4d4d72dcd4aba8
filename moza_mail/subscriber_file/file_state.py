"""Recognise files of people who left, by their name, their folder or the title above their columns."""

import re

from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.answers import WHOLE_FILE, ColumnAnswers
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.headings import ColumnRole, find_role, normalise_heading
from moza_mail.subscriber_file.inversions import Inversion, find_inversion, mentions_consent
from moza_mail.subscriber_file.readings import STATE_OF_ROLE
from moza_mail.subscriber_file.row_state import RowState

LEAVERS = re.compile(
    r"\b(?:ex|oud|oude|weg|former|voormalige?|ehemalige?r?|anciens?|old)\b|archie|archiv|"
    r"\basm\b|abgelehn|ablehn|afgewezen|afhak|\bquit|reject|declin|denied|\b(?:niet|nicht|not|non|no|sin|sans|ohne|zonder|senza) (?!(?:at|in|on|a|the|to|for|my|een|de|het|op|am|im|le|la|du|au)\b)\w|signalement|\bdode\b|\bfoute\b|fehladress|erreur|\bfouten\b|\berrors?\b|non ?acti[ve]|niet actie|prospect|gekocht|gekauft|bought|purchas|achet|"
    r"\bkill|"
    # English
    r"unsub|cleaned|\bclean\b|bounc|complain|\bspam|\bjunk|abuse|suppress|black ?list|block ?list|\bblock|deny ?list|stop ?list|delet|inactiv|"
    r"opt(?:ed)? ?outs?\b|removed|removal|\binvalid|non ?sub|not ?sub|\bdnc\b|do ?not|\bdont\b|undeliver|refus|revok|withdr|objection|\bleft\b|"
    r"leavers|churn|\bformer|\bex (?:members|leden|mitglieder)|deceased|robinson|no ?mail|\bstop|pending|unconfirm|unverif|not confirm|expired|"
    r"lapsed|\bdead\b|failed|failures|quarantin|\bbanned|unengaged|dormant|sunset|graveyard|\btrash|erased|erasure|forget|resigned|cancel|no longer|"
    r"gdpr request|unwanted|returned|\bgone\b|excluded|exclusions?\b|opted-out|undelivered|disabled|suspended|"
    # Dutch
    r"afgemeld|afmeld|uitgeschr|uitschr|opgeschoond|opgezegd|opzeg|verwijder|zwarte ?lijst|klacht|klagers|onbestel|onbezorg|geblokk|blokk|"
    r"uitgesloten|geweiger|ingetrokken|bezwaar|oud ?leden|vertrokken|overleden|geen ?mail|niet ?mail|onbevestigd|niet bevestigd|wachtend|"
    r"inactie|verlopen|prullenbak|vergeten|gestopt|niet meer|ongeldig|retour|gedeactiv|geannul|opgehe|bedankt voor|stoppers|niet benader|"
    # German
    r"abgemeld|abmeld|abbestell|austrag|ausgetragen|kundig|kuendig|gesperrt|sperr|schwarze ?liste|beschwer|losch|loesch|unzustell|"
    r"nicht (?:zustell|mailen|anschreib|mehr|bestat|bestaet)|ausgeschloss|ruckl|rueckl|widerruf|widerspr|verweiger|ehemalig|verstorben|"
    r"keine? mail|ausstehend|unbestat|unbestaet|abgelaufen|papierkorb|ungultig|ungueltig|deaktiv|inaktiv|abgang|austritt|ausgetreten|"
    # French
    r"desabonn|desinscri|liste noire|plainte|rebond|supprim|\bbloqu|exclu(?:s|es|sions?)?\b|decede|ne pas|attente|non confirm|perime|corbeille|"
    r"resili|radie|\bancien|invalide|npai|indesirable|inactif|oppos|retir|desactiv|partis\b|\brefus|"
    # Spanish and Italian
    r"\bbajas?\b|lista negra|lista nera|quejas?\b|reclamos?\b|reclami\b|segnalazion|rebot|rimbalz|bloquead|bloccat|eliminad|eliminat|cancelad|"
    r"cancellat|disiscri|desuscri|rimoss|escluc|esclus|excluid|rechaz|rifiut|revoca|papelera|cestino|desactiv|disattiv|sin confirmar|no confirmad|"
    r"pendient|caducad|scadut|fallecid|inattiv|annullat|non validi|no validos|devuelt|respint"
)
"""Words in the name of a list of people who must not be mailed, or who did not confirm."""
MAILCHIMP_FILES = {
    "unsubscribed": RowState.UNSUBSCRIBED,
    "cleaned": RowState.BOUNCED,
    "nonsubscribed": RowState.UNCONFIRMED,
}
NEUTRAL = frozenset(
    re.findall(
        r"\S+",
        """
        abonnees addresses adressen all audience contact contacten contacts csv das de der des die e
        elenco email emails export final global het kontakte la le leden les lijst list lista liste mail
        mails members mitglieder new newsletter nieuw nieuwsbrief of people segment subscribers the txt
        users van von xlsx
        """,
    )
)
SUBSCRIBERS = re.compile(r"\b(?:subscribed|active|actieve?|aktive?|actifs?)\b")
UNSETTLED = re.compile(
    r"\boffen|\bopen\b|requir|request|aangevraagd|angefragt|demande|invit|unknown|onbekend|unbekannt|inconnu"
)
EXTENSION = re.compile(r"\.\w{2,4}$")


def find_file_state(source: str, service: str, answers: ColumnAnswers) -> RowState | None:
    """Return the state of all people in a file; None if it is not known.

    The state comes from a person's answer, or from the name that Mailchimp gave to the file.
    """
    answer = answers.status.get(WHOLE_FILE, {})
    if WHOLE_FILE in answer:
        return answer[WHOLE_FILE]
    words = _normalise_name(source)
    first = words.split(" ", 1)[0]
    is_mailchimp = service == "Mailchimp" or (first != "cleaned" and "export" in words)
    return MAILCHIMP_FILES.get(first) if is_mailchimp else None


def find_leavers_name(names: tuple[str, ...], answers: ColumnAnswers) -> str:
    """Return the first name that says that all people in the file left; "" if none does.

    If a person answered for the whole file, no name counts, and the result is empty.
    """
    if WHOLE_FILE in answers.status.get(WHOLE_FILE, {}):
        return ""
    return next((name for name in names if _says_left(_normalise_name(name))), "")


def _says_left(words: str) -> bool:
    """Return True for the name of a list of people who left, or who did not consent."""
    if LEAVERS.search(words):
        return True
    return mentions_consent(words) and (
        find_inversion(words) in {Inversion.PENDING, Inversion.DENIED, Inversion.ENDED}
        or UNSETTLED.search(words) is not None
    )


def is_list_of_subscribers(source: str, service: str) -> bool:
    """Return True for the name that a service gives to a file with only active subscribers."""
    return service != "" and SUBSCRIBERS.search(_normalise_name(source)) is not None


def is_list_of_leavers(name: str) -> bool:
    """Return True if a name consists only of words for leavers, lists and dates."""
    words = _normalise_name(name).split()
    return all(word.isdigit() or word in NEUTRAL or _says_left(word) for word in words)


def make_leavers_error(source: str, name: str, *, line: int, has_status: bool) -> SubscriberFileError:
    """Return the error that asks if all people in a file left, as a name says.

    name: the name of the file, the folder or the group that says so.
    line: the first line with a person who, judging by the row, may not have left.
    """
    state = STATE_OF_ROLE.get(find_role(_normalise_name(name)), RowState.UNSUBSCRIBED)
    if not has_status and name == source:
        message = _(
            "{file}: the name of the file says that these people left, but no column says so", file=source
        )
    else:
        message = _(
            "{file}: `{name}` says that these people left, but line {line} does not say so",
            file=source,
            name=name[:60],
            line=line,
        )
    return SubscriberFileError(
        message,
        hint=_(
            'State what happened to these people: --status "*={state}" (or another state: unsubscribed, unconfirmed, suppressed, bounced, complained, confirmed)',
            state=state.value,
        ),
    )


def has_status(roles: frozenset[ColumnRole]) -> bool:
    """Return True if one of the columns says who left."""
    return bool(roles & ({ColumnRole.STATUS, ColumnRole.OPTIONAL_STATUS} | STATE_OF_ROLE.keys()))


def _normalise_name(name: str) -> str:
    return normalise_heading(EXTENSION.sub("", name))
