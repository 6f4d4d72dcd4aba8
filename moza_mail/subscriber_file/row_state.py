"""The state of the person in a row, and the words of other programs for each state."""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from moza_mail.subscriber_file.inversions import NEWSLETTER, Inversion, find_inversion, mentions_consent


class RowState(StrEnum):
    """The state of the address in a row, from the mildest to the most serious."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    @property
    def severity(self) -> int:
        """The rank of the state. If two columns of a row give different states, the state with the higher rank counts."""
        return SEVERITY[self]


SEVERITY = {state: rank for rank, state in enumerate(RowState)}

YES = frozenset(
    [
        "yes",
        "y",
        "ja",
        "j",
        "oui",
        "o",
        "si",
        "true",
        "t",
        "waar",
        "wahr",
        "vrai",
        "1",
        "x",
        "on",
        "aan",
        "✓",
        "✔",
        "agreed",
        "granted",
        "given",
        "gegeven",
        "erteilt",
        "verleend",
        "donne",
        "accorde",
        "akkoord",
        "double",
        "graag",
        "gerne",
        "natuurlijk",
        "sure",
        "checked",
        "ticked",
        "aangevinkt",
        "angehakt",
        "angekreuzt",
        "coche",
        "cochee",
    ]
)
NO = frozenset(
    [
        "no",
        "n",
        "nee",
        "nein",
        "non",
        "false",
        "f",
        "onwaar",
        "falsch",
        "faux",
        "0",
        "off",
        "uit",
        "none",
        "geen",
        "keine",
        "aucun",
        "nooit",
        "never",
        "niet",
        "not",
        "nie",
        "jamais",
        "✗",
        "✘",
        "unchecked",
        "unticked",
        "not checked",
        "niet aangevinkt",
        "nicht angekreuzt",
        "nicht angehakt",
        "non coche",
        "non cochee",
    ]
)
EMPTY = frozenset(
    ["", "-", "--", "null", "nan", "n/a", "na", "nvt", "n.v.t.", "0000 00 00", "0000 00 00 00:00:00", "."]
)
"""Texts that other programs write for an empty value."""

# Each word as `normalise` returns it: lower case, without accents, with one space for `-` and `_`.
STATE_WORDS: dict[RowState, str] = {
    RowState.CONFIRMED: """
        consent, toestemming, einwilligung, zustimmung, consentement, consenso, consentimiento, instemming, freely given consent,
        suscrito, suscripto, activo, confirmado, iscritto, attivo, confermato, bestaetigt,
        active, actief, aktiv, actif, active subscriber, subscribed, subscriber, aangemeld, ingeschreven, abonne, abonnee,
        abonniert, angemeldet, eingetragen, inscrit, inscrite, enabled, confirmed, bevestigd, bestatigt, confirme,
        opted in, opt in, optin, opt in confirmed, double opt in, member, lid, mitglied, membre, verified,
        geverifieerd, express, soft bounced, soft bounce, softbounce, softbounced, mailable, sendable, deliverable,
        single opt in, explicit, sub, accord, granted, toegestaan, erlaubt, autorise, accepted, akkoord, daily, weekly, monthly, dagelijks, wekelijks, maandelijks,
        taglich, wochentlich, monatlich, quotidien, hebdomadaire, mensuel
    """,
    RowState.UNCONFIRMED: """
        unbestaetigt, nicht bestaetigt, non confirmed, not verified, niet geverifieerd, pendiente, sin confirmar, no confirmado,
        in attesa, non confermato, da confermare, por confirmar, inactivo, inattivo, in sospeso,
        unconfirmed, not confirmed, onbevestigd, niet bevestigd, unbestatigt, nicht bestatigt, non confirme,
        non confirmee, pending, in afwachting, wachtend, ausstehend, en attente, awaiting, awaiting confirmation,
        waiting, wacht op bevestiging, confirmation pending, pending confirmation, double opt in pending, unactivated,
        inactive, inactief, inaktiv, inactif, nonsubscribed, non subscribed, not subscribed, non marketing contact,
        validating, unverified, implied, temporary hold, no permissions set, not set, niet ingesteld, nicht gesetzt, non defini, transactional, transactional only,
        new, nieuw, invited, uitgenodigd, needs attention, snoozed, unknown, onbekend, unbekannt, inconnu, not opted in,
        never subscribed, no consent, not applicable, niet van toepassing, requested, aangevraagd, prospect, niet ingeschreven,
        nicht angemeldet, non inscrit, non abonne, awaiting opt in confirmation, awaiting double opt in, wartend,
        wartend auf bestatigung, wartet auf bestatigung, warten auf bestatigung, nog niet, not yet, noch nicht, pas encore,
        nonmember, non member, geen lid, nichtmitglied, implicit, error, fout, fehler, erreur, ?, ??, out of office,
        geen reactie, geen antwoord, no reply, no response, keine antwort, keine reaktion, pas de reponse, sans reponse, nessuna risposta
    """,
    RowState.UNSUBSCRIBED: """
        geloescht, gekuendigt, radie, radiee, removido, removida, storniert, disattivo, beendet, baja, dado de baja, de baja, cancelado, eliminado, desuscrito, no suscrito, disiscritto, annullato,
        cancellato, eliminato, disattivato, desactivado, revocado, revocato, rechazado, rifiutato, expirado, scaduto, caducado,
        perime, perimee, abgelehnte, zuruckgezogen, zurueckgezogen, teruggetrokken, vervallen,
        unsubscribed, unsubscribe, unsub, afgemeld, uitgeschreven, opgezegd, gestopt, stopgezet, beeindigd, abgemeldet,
        ausgetragen, abbestellt, gekundigt, desabonne, desabonnee, desinscrit, desinscrite, resilie, geannuleerd, annule, annulee, cancelled, canceled, opted out,
        opt out, optout, optedout, removed, deleted, verwijderd, gewist, geloscht, entfernt, supprime, archived, gearchiveerd,
        archiviert, archive, left, vertrokken, former, ex, uitgeschreven door gebruiker, unsubscribed by user,
        unsubscribed by admin, revoked, withdrawn, ingetrokken, widerrufen, retire, refused, geweigerd, denied,
        declined, afgewezen, abgelehnt, refuse, expired, verlopen, abgelaufen, expire, by user, byuser, objected, lapsed, gone, resigned, refus, demissionnaire,
        bezwaar, deactivated, gedeactiveerd, deaktiviert, desactive, stopped, quit, ended, paused, gepauzeerd, unsubscribed from all,
        oud, uit, afmelding, niet meer, nomail, no mail
    """,
    RowState.SUPPRESSED: """
        bloqueado, bloccato, lista negra, lista nera, escluso, excluido,
        do not allow, niet toestaan, nicht zulassen, ne pas autoriser, blocklisted, block listed, blacklisted, black listed, blocked, geblokkeerd, gesperrt, bloque, bloquee, suppressed, disabled,
        uitgeschakeld, banned, verbannen, do not contact, donotcontact, do not email, do not mail, excluded, uitgesloten,
        ausgeschlossen, exclu, by moderator, byadmin, by admin, suspended, geschorst, quarantined, spammy, dnc, on hold, blacklist,
        blocklist, niet mailen, niet benaderen, overleden, deceased, verstorben, decede, zwarte lijst, liste noire, held, manual,
        user suppressed, manually suppressed, manual suppression
    """,
    RowState.BOUNCED: """
        npai, rebotado, rebotado duro, unreachable, onbereikbaar, unerreichbar, injoignable, rebote, rimbalzato, ungueltig, no valido, non valido, non valide, nicht gultig, nicht gueltig, niet geldig,
        bounced, bounce, hard bounced, hard bounce, hardbounce, hardbounced, hard, soft bounces, cleaned, opgeschoond, undeliverable, undelivered,
        onbestelbaar, onbezorgbaar, niet bezorgbaar, unzustellbar, nicht zustellbar, rebond, non delivrable, non distribuable, invalid, ongeldig,
        ungultig, invalide, by bounces, bybounce, bounced hard, permanent bounce, permanent, mailbox not found, bestaat niet, bestaat niet meer, adres bestaat niet, adres bestaat niet meer, adresse existiert nicht, adresse inexistante,
        does not exist, unknown user, user unknown, dead, gebounced, gebouncet, bouncing, mail retour, mail kwam retour, mail komt retour, mail komt terug, mail kwam terug, returned, mail returned, invalid email, bounced email, failed, retour, bounced out,
        email onbestelbaar, e mail onbestelbaar, on hold bounce
    """,
    RowState.COMPLAINED: """
        abusecomplaint, spamcomplaint, spammed, marcado como spam, segnalato come spam, signale comme indesirable, complained, complaint, complainer, abused, spam, spam complaint, marked as spam, marked spam, reported spam, spam reported,
        reported as spam, spam report, spamreport, junk, abuse, abuse complaint, klacht, klaagde, geklaagd, als spam gemeld, spamklacht,
        beschwerde, als spam markiert, plainte, signale comme spam, feedback loop, fbl, complaint received
    """,
}
STATE_OF_WORD = {
    word.strip(): state for state, words in STATE_WORDS.items() for word in words.split(",") if word.strip()
}
# Words that say little without a heading that asks for a state.
WEAK_WORDS = frozenset(
    [
        "lid",
        "mitglied",
        "membre",
        "member",
        "hard",
        "dead",
        "new",
        "nieuw",
        "unknown",
        "onbekend",
        "unbekannt",
        "inconnu",
        "oud",
        "uit",
        "ex",
        "left",
        "former",
        "held",
        "retour",
        "refuse",
        "express",
        "retire",
        "archive",
        "verified",
        "invited",
        "permanent",
        "failed",
        "subscriber",
        "prospect",
        "requested",
        "accepted",
        "expired",
        "sub",
        "accord",
        "refus",
        "error",
        "fout",
        "fehler",
        "erreur",
        "?",
        "??",
        "explicit",
        "implicit",
        "returned",
        "mail returned",
        "mail retour",
        "mail kwam retour",
        "mail komt retour",
        "mail komt terug",
        "mail kwam terug",
        "not yet",
        "nog niet",
        "noch nicht",
        "pas encore",
        "geen lid",
        "nichtmitglied",
        "daily",
        "weekly",
        "monthly",
        "dagelijks",
        "wekelijks",
        "maandelijks",
        "taglich",
        "wochentlich",
        "monatlich",
        "quotidien",
        "hebdomadaire",
        "mensuel",
    ]
)
NEGATION = re.compile(
    r"(?:no|nee|niet|geen|not|never|nooit|non|nein|kein|keine|keinen|nicht|pas|aucun|aucune|sans|zonder|without|ne)\b"
)
WITHDRAWAL = re.compile(
    r"ingetrokken|withdrawn|revoked|widerrufen|retire\b|opted out|unsubscri|afgemeld|uitgeschreven|abgemeldet|desabonn"
    r"|desinscri|geweigerd|refused|declined|denied|abgelehnt|refuse\b|objected|bezwaar|no longer|niet meer|nicht mehr"
)
LEAVING = re.compile(
    r"lijst af|off the list|take (?:me|him|her|them) off|stop (?:e ?)?mail|wants? off|schrijf (?:me|mij|hem|haar) uit|la baja|cancellazion|austrag|retirer|"
    r"ne souhaite|ne plus|ne desire|n.est plus|desinscr|no desea|ya no|non desidera|non piu|niet langer|wil geen|geen interesse|kein interesse|"
    r"not interested|pas interesse|verwijder|\bdelet|\bremov|entfern|losch|loesch|supprim|\beliminar|stoppen|suppress|bounce list|uitschr|"
    r"abmeld|unsubs\b|afmeld|keine mails|geen mails|opt ?outs?\b|do not contact|niet meer|nicht mehr|no longer|overleden|verstorben|deceased|decede|"
    r"dado de baja|darse de baja|cancellat|disiscri|desuscri|lista negra|liste noire|zwarte lijst|blacklist|blocklist|gesperrt|gekundigt|"
    r"wants? out|complain|plainte|geklaagd|beschwer|ne veut plus|wil niet meer|will nicht mehr|no quiere|non vuole|abbestell|opgezegd|"
    r"widerruf|ingetrokken|revoked|withdrawn|unsubscri|afgemeld|uitgeschreven|abgemeldet|ausgetragen|desabonn|desinscri|opted out|opt out\b|optout|no longer wants|"
    r"(?:geen|no|keine?|pas de) (?:e ?mails?|mails?|nieuwsbrie\w*|newsletters?|post)\b|"
    r"(?:niet|nicht|do not|don.?t) (?:e ?mail|mail|contact|benaderen|anschreiben)|\bbounced?\b|onbestelbaar|unzustellbar"
)
TERMS = re.compile(
    r"you (?:can|may) (?:always |also )?(?:unsubscribe|opt out|withdraw)|"
    r"(?:je kunt|kun je|u kunt|kunt u) (?:je|u|zich)\b.*(?:afmelden|uitschrijven)|(?:sie konnen|konnen sie) (?:sich|ihre)\b.*(?:abmelden|austragen|widerrufen)|"
    r"vous pouvez vous desinscrire|\b(?:at any time|op (?:elk|ieder) moment|jederzeit|a tout moment)\b"
)
"""Words of a text below a form that says that people can leave."""
REQUEST = re.compile(
    r"\b(?:me|my|mij|mich|moi|us|ons|uns|him|her|hem|haar|ihn|lui|please|graag|bitte|svp|asap)\b"
)
FORMER = re.compile(r"(?:ex|oud|former|voormalig\w*|ehemalig\w*|ancien\w*) \w")
PARTS = re.compile(r"[;,|]")
ZERO_DATE = re.compile(
    r"[0\-/.: ]{8,}|(?:1970|1900|0001)-01-01(?:[T ]00:00.*)?|0?1[-./]0?1[-./](?:1970|1900|0001)(?: 0?0:00.*)?|1899-12-3[01].*"
)
"""Dates that programs write for no date, such as the first day that they can store."""
ADDITION = re.compile(r"\s*[(\[:;,]|\s(?:by|door|durch|par|via|op|on|am|le|since|sinds|seit|depuis)\s")
BY_EMAIL = re.compile(r"^e ?mail ?: ?")
DATE_AT_END = re.compile(
    r" (?:\d{1,2}[ ./]\d{1,2}[ ./]\d{2}(?:\d\d)?|(?:19|20)\d\d[ ./]\d{1,2}[ ./]\d{1,2})(?: [\d:]+)?$"
)
POLITE = re.compile(
    r" (?:please|graag|bitte|gerne?|svp|s.il (?:vous|te) plait|thanks|thank you|bedankt|dank(?:e| je| u)?|merci|hoor|zeker|natuurlijk|of course)\b"
)
"""Words that a person adds to a yes or a no, and that do not change it."""
SEPARATORS = re.compile(r"[\s_\-\u2010-\u2015]+")


MAX_STATE_LENGTH = 60
"""A longer text is a sentence, in which one word does not decide the state."""


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """Return a value or heading in lower case, without accents, and with single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return SEPARATORS.sub(" ", plain).strip(" \t.!\"'[]")


@lru_cache(maxsize=4096)
def _make_forms(text: str) -> tuple[str, ...]:
    """Return a normalised value in four forms, which may be equal.

    1. The whole value.
    2. Without an addition, as in `Nee (wil niet meer)` and `Removed by user`.
    3. Without polite words, as in `Yes please!`.
    4. Without a date at the end, as in `afgemeld 3-2-2023`.

    A channel before the value, as in `Email: Bounced`, is left out of all forms.
    """
    plain = BY_EMAIL.sub("", normalise(text))
    bare = DATE_AT_END.sub("", plain)
    return plain, ADDITION.split(plain, maxsplit=1)[0].strip(), POLITE.sub("", plain), bare


def contradicts_itself(text: str) -> bool:
    """Return True if the addition to a value casts doubt on the value.

    Examples: `Ja, maar ingetrokken`, `Subscribed (pending)`, `Nee (wil niet meer)`.
    """
    whole, base, *_ = _make_forms(text)
    addition = whole[len(base) :]
    return find_inversion(addition) is not Inversion.NONE or LEAVING.search(addition) is not None


def is_yes(text: str) -> bool:
    """Return True for a word that means yes in Dutch, English, German or French."""
    return any(word in YES for word in _make_forms(text)) and not contradicts_itself(text)


def begins_with_yes(text: str) -> bool:
    """Return True for a yes, even if words follow that do not invert it, as in `Yes - web form`."""
    first, _space, rest = normalise(text).partition(" ")
    is_plain = find_inversion(rest) is Inversion.NONE and LEAVING.search(rest) is None
    return is_yes(text) or (first.strip(",;:") in YES and is_plain)


def is_no(text: str) -> bool:
    """Return True for a word that means no in Dutch, English, German or French."""
    return text.strip() == "-1" or any(word in NO for word in _make_forms(text))


def is_empty(text: str) -> bool:
    """Return True for an empty value, also as other programs write it, such as `n/a`."""
    return (
        not text
        or text.strip() in EMPTY
        or normalise(text) in EMPTY
        or bool(ZERO_DATE.fullmatch(text.strip()))
    )


def find_state(text: str) -> RowState | None:
    """Return the state that a word names; None for a word that is not known."""
    if is_about_terms(text):
        return None
    words = _make_forms(text)
    if FORMER.match(words[0]):
        return RowState.UNSUBSCRIBED
    state = next((state for word in words if (state := STATE_OF_WORD.get(word))), None)
    if state is RowState.CONFIRMED and words[0] not in STATE_OF_WORD and contradicts_itself(text):
        return None
    return state or _state_of_inversion(words[0])


def _state_of_inversion(words: str) -> RowState | None:
    """Return the state that an inverted word about consent names, as in `Einwilligung fehlt`."""
    if len(words) > MAX_STATE_LENGTH or not mentions_consent(words):
        return None
    inversion = find_inversion(words)
    if (
        LEAVING.search(words)
        or inversion is Inversion.ENDED
        or (inversion is Inversion.DENIED and re.search(NEWSLETTER, words))
    ):
        return RowState.UNSUBSCRIBED
    return RowState.UNCONFIRMED if inversion in {Inversion.PENDING, Inversion.DENIED} else None


def mentions_leaving(text: str) -> bool:
    """Return True for a text that says that somebody left or wants no mail.

    The text may be a value, a list of tags or a remark.
    """
    if is_about_terms(text):
        return False
    if any(is_state_of_leavers(part) for part in PARTS.split(text)):
        return True
    return LEAVING.search(normalise(text)) is not None


def is_about_terms(text: str) -> bool:
    """Return True for a text that says that people can leave, such as the text below a form.

    A text in which somebody asks to leave does not count.
    """
    words = normalise(text)
    return TERMS.search(words) is not None and REQUEST.search(words) is None


def is_state_of_leavers(word: str) -> bool:
    """Return True for a text that only names a state other than confirmed, such as `Afgemeld:`."""
    state = find_state(word)
    return bool(state) and state is not RowState.CONFIRMED and normalise(word) not in WEAK_WORDS


def denies_consent(text: str) -> bool:
    """Return True if the words in a consent column say that there is no consent."""
    plain = normalise(text)
    return bool(NEGATION.match(plain) or WITHDRAWAL.search(plain))
