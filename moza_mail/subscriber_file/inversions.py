"""Words that invert a statement about consent, such as `pending`, `not` or `fehlt`.

All texts are compared in the spelling of `row_state.normalise`: lower case, without accents.
"""

import re
from enum import StrEnum
from functools import lru_cache


class Inversion(StrEnum):
    """The effect of the inverting words in a text.

    none: the text has no such word.
    pending: the consent was not given or not confirmed yet.
    denied: the consent does not exist.
    ended: the consent was withdrawn, refused, or is too old.
    unclear: a person must read the text.
    """

    NONE = "none"
    PENDING = "pending"
    DENIED = "denied"
    ENDED = "ended"
    UNCLEAR = "unclear"


VERIFIED = (
    r"confirm|conferm|bevestig|bestae?tig|verified|verif|geverifi|verifizier|double optin|\bdoi\b|activat|geactiveerd|aktivier|"
    r"validat|valide\b|gevalideerd|validier|convalid"
)
"""Stems of words for the confirmation of an address, in six languages."""
WEAK_CONSENT = r"gdpr|\bavg\b|dsgvo|rgpd|privacy|datenschutz|confidentialit"
"""Words about data protection. Alone they do not say that somebody agreed to mail."""
CONSENT = (
    r"consent|toestemming|instemm|einwillig|zustimm|(?:legal|lawful) basis|rechtsgrond|grondslag|rechtsgrundlage|base legal|base juridique|"
    r"base giuridica|akkoord|einverstand|consens|consentim|accord\b|\bagree|\bautoris|\bautori[sz]|\bautorizz|erlaubnis|"
    + WEAK_CONSENT
)
NEWSLETTER = r"newsletter|lettre d ?info|nieuwsbrief|nieuwsbrieven|nieuwsmail|mailing|infolettre|rundbrief|boletin|bollettino"
PERMISSION = (
    r"optin|opted in|subscri|ingeschr|inschr|aangemeld|aanmeld|abonn|abbon|anmeld|angemeld|eingetragen|inscri|iscri|suscri|permis|"
    rf"{NEWSLETTER}|accepts|accepte|accepted|acepta|accetta|marketing|\bmailen\b|mag mail|mag ge|ontvang|receive|empfang|recoi|recib|ricev|\bactief\b|"
    r"\bactive\b|\baktiv\b|\bactif\b|\bactivo\b|\battivo\b|enabled|sign ?up|wil mail|wants|emailings?|email updates|contactable|mailable|emailable|"
    r"bereikbaar per mail|toegestaan|erlaubt|\bgranted"
)

PENDING_WORDS = (
    r"pending|await|\bwait(?:ing|s)?\b|ausstehen|aussteht|ausstaend|ausstand|\bsteht (?:noch )?aus|outstanding|en attente|\battente\b|"
    r"\bwacht|\bwachtend|afwacht|openstaand|nog te (?:bevestig|verif)|te bevestigen|\bwartet\b|\bwartend|\bwarten\b|"
    r"zu bestae?tigen|a confirmer|a valider|te valideren|zu validieren|por validar|da validare|a renouveler|por confirmar|da confermare|to be confirmed|unprocessed|pendient|\ben espera|in attesa|in sospeso"
)
DENIED_WORDS = (
    r"\bun ?(?:confirm|verif|activ|subscri|valid|approv|bestae?t|aktiv|besta)|\bon ?(?:bevestigd|geverifi)|\bin(?:aktiv|actif|activ|attiv)|"
    r"unerwunscht|unerwuenscht|ongewenst|unwanted|indesirable|\bnot\b|\bno\b|\bnon|\bniet|\bnee\b|\bgeen\b|\bnicht|\bnein\b|\bkeine?[nrms]?\b|\bpas\b|\baucune?\b|\bne\b|\bnao\b|"
    r"\bsans\b|\bohne\b|\bzonder\b|\bwithout\b|\bsin\b|\bsenza\b|\bsem\b|missing|kein interesse|\black(?:s|ing)?\b|fehlt|fehlend|ontbre|\bmanque|"
    r"\bmanca\b|\bmancante|\bfalta\b|\babsent|\bafwezig|(?:ungs|ings|mmings)loo?s\b|\bnever\b|\bnooit\b|\bniemals?\b|\bnie\b|\bjamais\b|"
    r"\bnunca\b|\bmai\b|\bnessun|\bningun|\bn t\b|(?:dont|doesnt|didnt|isnt|hasnt)\b"
)
ENDED_WORDS = (
    r"expired|lapsed|abgelaufen|verlopen|vervallen|perime|\bexpire?e?s?\b|caduc|scadut|vencid|vencido|revok|revoq|revoca|ingetrokken|"
    r"widerruf|withdr|retire|retirad|ritirat|geweiger|verweiger|abgelehnt|reject|declin|denied|refus|rechaz|rifiut|negad|negat|afgewezen|"
    r"\bended\b|beeindigd|beendet|erloschen|zuruckgezogen|zurueckgezogen|opgezegd|teruggetrokken|vertrokken"
)
UNCLEAR_WORDS = (
    r"\bopen\b|\boffen|requir|\bneeded\b|vereist|\bnodig|benodigd|erforderlich|notwendig|requis|necess|obligatoi|oblig|verplicht|"
    r"request|aangevraagd|aanvraag|angefragt|anfrage|angefordert|demand|solicit|richiest|invit|uitgenodigd|uitnodig|eingeladen|einlad|"
    r"\bsent\b|sending|\bsend\b|verstuurd|verzonden|gestuurd|gesendet|versendet|verschickt|versandt|envoy|enviad|inviat|remind|"
    r"herinner|erinnerung|rappel|\brelance|\bdue\b|overdue|\buntil\b|\btot\b|\btill\b|\bbis\b|\bjusqu|\bhasta\b|\bfino\b|expir(?!ed|ad|at|ee?\b)|ablauf|verloopt|"
    r"vervalt|einddatum|\bende?\b|\bend\b|\bfin\b|geldig|gultig|gueltig|\bvalid (?:to|thru)|\bvalid until|validity|duration|\bduur\b|dauer|"
    r"unknown|onbekend|unbekannt|inconnu|unklar|unclear|onduidelijk|twijfel|doubt|zweifel|\bdoute|question|\?|maybe|misschien|vielleicht|"
    r"peut etre|interest|interess|interet|prospect|propos|vorgemerkt|waiting ?list|wachtlijst|warteliste|token|\blink\b|\bcode\b|"
    r"cookie|untick|uncheck|pre ?tick|business card|visitekaart|visitenkarte|\bby$|^to\b|\boff\b|\buit$|\baus$|disabled|\bkey\b|\bhash\b|\bbefore\b|\bformer|\bprevious|\bvorig|voormalig|ehemalig|ancien|\bex\b|\bprior\b|fruher|vroeger|"
    r"\bfail|failed|mislukt|fehlgeschlagen|fehler|echou|erreur|\berror|fout\b|disput|betwist|objec|oppos|opposition|bezwaar|widerspr|einspruch|"
    r"contest|suspend|paus|\bhold\b|\bstop|cancel|annul|block|\bclosed|geschlossen|gesloten|\bdelet|verwijder|gelosch|geloescht|"
    r"\bonly\b|\balleen\b|\bnur\b|seulement|\bsolo\b|implied|implicit|impliciet|stilzwijgend|stillschweigend|konkludent|tacit|assumed|veronderstel|"
    r"vermutet|mutmas|presum|soft ?opt|legitim|gerechtvaardigd|berechtigt|todo|to do|"
    r"\bbut\b|\bmaar\b|\baber\b|\bmais\b|\bhowever\b|partial|gedeelt|teilweise|partiel|incomplet|onvolled|unvollst|\btest\b|bought|gekocht|"
    r"gekauft|achete|purchased list|\bimport|\bold\b|\boude?\b|\balte?\b|default|standaard|pre ?check|vooraf|withheld|underage|minor\b|\bneed"
)
OTHER_BASES = (
    r"legitimate interest|legitim\w* interes|interet legitim|gerechtvaardigd\w* belang|berechtigt\w* interesse|interes legitim|"
    r"interesse legittim|legittimo interesse|contract|overeenkomst|\bvertrag|\bcontrat|legal obligation|wettelijk|rechtliche verpflicht|"
    r"gesetzlich|obligation legale|obligacion legal|obbligo legal|public interest|public task|algemeen belang|openbaar belang|offentlich\w* interesse|"
    r"interet public|interes publico|interesse pubblico|vital interest|existing (?:customer|client|relation)|bestaande (?:klant|relatie)|bestandskund|"
    r"client existant|cliente (?:existente|esistente)|soft ?optin|customer relationship|klantrelatie|kundenbeziehung|prospect|"
    r"implied|impliciet|stilzwijgend|stillschweigend|konkludent|tacit|mutmas|presum|not applicable|art(?:icle|ikel|)?\.? ?6 ?\(?1\)? ?\(?[b-f]\b"
)
"""Legal bases other than consent (GDPR article 6(1)(b) to (f)), and consent that nobody expressed."""

_TOPIC = re.compile(rf"{VERIFIED}|{CONSENT}|{PERMISSION}")
_PATTERNS = (
    (Inversion.PENDING, re.compile(PENDING_WORDS)),
    (Inversion.ENDED, re.compile(ENDED_WORDS)),
    (Inversion.DENIED, re.compile(DENIED_WORDS)),
)
_UNCLEAR = re.compile(UNCLEAR_WORDS)
_OTHER_BASES = re.compile(OTHER_BASES)
_DENIED = re.compile(DENIED_WORDS)
_INVERTING = re.compile(rf"(?:{PENDING_WORDS}|{DENIED_WORDS}|{ENDED_WORDS})\w*")
_GIVEN = re.compile(
    r"^(?:ja|yes|oui|si|sim)\b|agreed|form\b|formul|web ?site|webpagina|\bsite\b|checkbox|vinkje|hakchen|case cochee|aangevinkt|ticked|"
    r"angekreuzt|coche|signed up|registr|geregistreerd|handtekening|unterschrift|signature|signed|mondeling|schriftelijk|schriftlich|"
    r"written|verbal|muendlich|mundlich|par ecrit|per e ?mail|balie|landing|beurs|\bfair\b|messe|\bsalon\b|\bevent|evenement|congres|kongress|bijeenkomst|conferen|workshop|webinar"
)
_NOT_YET = re.compile(r"\b(?:still|yet|nog|noch|encore|ancora|aun|todavia)\b")

NEUTRAL = frozenset(
    re.findall(
        r"\S+",
        """
        gewenst wenst wenselijk erwunscht erwuenscht gewunscht souhaite souhaitee deseado desiderato receive ontvangen ontvangt erhalten recevoir
        recibir ricevere weekly monthly wekelijks wekelijkse maandelijks maandelijkse monatlich wochentlich mensuel mensuelle hebdo hebdomadaire
        lawful frequency frequentie frequenz frequence haufigkeit general algemeen algemene allgemein lettre info infos news nieuws notizie noticias e-mail per via our onze unsere notre nostra nuestra mijn
        person indirizzo abo kontakt aanmelding inschrijving anmeldung werbung reclame advertising commercial commerciele publicidad pubblicita
        digitale base legale legal juridique giuridica wilt blijven krijgen krijgt ecrit schriftlich schriftelijk written mailable emailable doe meld please graag bitte
        a aan aangeeft account address adres adresse adressen all am an and any api at auf basis bulk
        communicatie communication confirmed contact contacts correo current custom d da das data date
        datetime datum de del dem den depuis der des di did die digitaal digital dmd doi donne donnee
        double du een electronic electronico elektronisch elettronica email emails en erteilt fecha
        field flag for form formular formulier from fur gave ge gegeven given global granted  has
        have het i ich ik im in is ja je l la le lead legal les lijst list liste mag mail mailings mails
        manually marketing mc member met mijn mit moment my n newsletters nieuwsbrieven of on online op
        opt opted or ora oui overall para per person personal posta pour processing pub reported s seit
        si since sinds single state status sub subscriber subscribers text the this tijd tijdstip time
        timestamp to ts type u un une update updates user users utc uw van verleend via vom von voor
        wanneer want wants  we web website when wij wil with wp y yes yn you your zeit zeitpunkt zum
        zur
        """,
    )
)
"""Words that say nothing about consent in a heading."""
_PREFIX = r"(?:is|has|kontakt|contact|abo|anmelde|aanmeld|user|email|e?mail|newsletters?|nieuwsbrief|marketing|werbe|double|dmd|list|global)?"
_ENDING = r"[a-z]{0,7}(?:datum|date|tijd|tijdstip|zeit|zeitpunkt|status|type|op|am)?"
_TOPIC_WORD = re.compile(rf"{_PREFIX}(?:{_TOPIC.pattern}){_ENDING}".replace(r"\b", ""))


def mentions_consent(words: str) -> bool:
    """Return True for a normalised text about permission, consent or confirmation."""
    return _TOPIC.search(words) is not None


def describes_consent(words: str) -> bool:
    """Return True for a normalised text about consent, or about the way in which it was given."""
    return mentions_consent(words) or _GIVEN.search(words) is not None


@lru_cache(maxsize=4096)
def find_inversion(words: str) -> Inversion:
    """Return the effect of the inverting words in a normalised text.

    A text with two such words, as in `not pending`, is unclear.
    """
    if _UNCLEAR.search(words):
        return Inversion.UNCLEAR
    effects = [effect for effect, pattern in _PATTERNS for _ in pattern.findall(words)]
    if len(effects) > 1 or (not effects and _NOT_YET.search(words)):
        return Inversion.UNCLEAR
    return effects[0] if effects else Inversion.NONE


def names_other_basis(words: str) -> bool:
    """Return True for a normalised text with a legal basis other than consent."""
    return _OTHER_BASES.search(words) is not None


def is_negated(words: str) -> bool:
    """Return True for a normalised text with a word such as `not`, `geen` or `ohne`."""
    return _DENIED.search(words) is not None


def has_unknown_words(words: str) -> bool:
    """Return True if a normalised heading is about more than consent to mail.

    Examples are `consent photos` and `order confirmed`.
    """
    rest = [word for word in _INVERTING.sub(" ", words).split() if word not in NEUTRAL and not word.isdigit()]
    stems = [re.sub(r"(?:status|statut|zustand|stand)$", "", word) for word in rest]
    return any(stem not in NEUTRAL and not _TOPIC_WORD.fullmatch(stem) for stem in stems if stem)
