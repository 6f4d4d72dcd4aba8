"""The words of dates and times in Dutch, English, German and French."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

_MONTHS = (
    "januari january januar jänner janvier jan janv", "februari february februar février fevrier feb febr fév févr",
    "maart march märz mars mrt mar mär", "april avril apr avr", "mei may mai", "juni june juin jun",
    "juli july juillet jul juil", "augustus august août aout aug", "september septembre sept sep",
    "oktober october octobre okt oct", "november novembre nov", "december dezember décembre decembre dec dez déc",
)  # fmt: skip
_WEEKDAYS = (
    "maandag monday montag lundi ma mon mo", "dinsdag tuesday dienstag mardi di tue tues",
    "woensdag wednesday mittwoch mercredi wo wed mi", "donderdag thursday donnerstag jeudi do thu thur thurs",
    "vrijdag friday freitag vendredi vr fri", "zaterdag saturday samstag sonnabend samedi za sat sa",
    "zondag sunday sonntag dimanche zo sun so",
)  # fmt: skip
MONTHS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()}
# Short names of weekdays in French. In other languages, `mar` is a month.
FRENCH_WEEKDAYS = {"lun": 0, "mar": 1, "mer": 2, "jeu": 3, "ven": 4, "sam": 5, "dim": 6}
# English words that are months only with a capital: `15 may come`.
ENGLISH_WORDS = frozenset({"may", "march", "mar"})

ORDINALS = frozenset(["e", "de", "ste", "st", "nd", "rd", "th", "er", "ère", "ten"])
RANGE_WORDS = frozenset(["tot", "to", "through", "thru", "until", "till", "t", "bis", "au", "zum"])
SET_WORDS = frozenset(["en", "and", "und", "et", "of", "or"])
# `de 14h à 16h`, `von 9 bis 17 Uhr`: words between two times.
UNTIL_WORDS = frozenset(["tot", "to", "until", "till", "through", "bis", "à", "en", "and", "und", "et"])
HYPHENS = frozenset("-–—")
ARTICLES = frozenset(["de", "the", "den", "dem", "le"])
# Words that belong to the date and not to the title before it.
OPENINGS = frozenset(
    [
        "op",
        "on",
        "vanaf",
        "van",
        "from",
        "per",
        "tot",
        "t/m",
        "until",
        "uiterlijk",
        "rond",
        "before",
        "by",
        "vom",
        "du",
        "le",
        "les",
        "ab",
        "bis",
        "dès",
        "am",
    ]
)
TIME_LEADS = frozenset(
    [
        "om",
        "at",
        "vanaf",
        "van",
        "from",
        "tussen",
        "between",
        "um",
        "ab",
        "von",
        "zwischen",
        "gegen",
        "à",
        "de",
        "dès",
        "entre",
        "vers",
        "kl",
    ]
)
HOUR_UNITS = frozenset(["uur", "u", "uhr", "h", "hrs", "hr", "heures", "heure"])
MERIDIEMS = {"am": 0, "a.m": 0, "pm": 12, "p.m": 12}
# Words for a part of the day after a Dutch time: 0 if they mean the hours before noon, 12 for the hours after it.
DAY_PARTS = {
    "middags": 12, "middag": 12, "avonds": 12, "avond": 12, "ochtends": 0, "ochtend": 0, "morgens": 0, "nachts": 0,
    "nacht": 0, "voormiddags": 0, "namiddags": 12,
}  # fmt: skip
# Midnight is the end of a day in a range such as `from 22:00 to midnight`. Alone, midnight is not read as a time, because it
# could also be the beginning of the day.
HOURS_IN_WORDS = {
    **dict.fromkeys(("noon", "midi"), 12),
    **dict.fromkeys(("midnight", "middernacht", "mitternacht", "minuit"), 24),
}
DUTCH_NUMBERS = {
    name: number
    for number, name in enumerate(
        ["een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien", "elf", "twaalf"],
        start=1,
    )
} | {"één": 1}

# Names with the same meaning everywhere. In summer, CET differs by an hour from the local time of the countries that use it.
ZONES: dict[str, str] = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "cet": "CET", "mez": "CET", "cest": "CEST", "mesz": "CEST",
}  # fmt: skip
CENTRAL_EUROPE = "Europe/Berlin"
# Names that mean different zones in different countries or seasons.
AMBIGUOUS_ZONES = frozenset(
    [
        "et",
        "pt",
        "ct",
        "mt",
        "est",
        "edt",
        "pst",
        "pdt",
        "cst",
        "cdt",
        "mst",
        "mdt",
        "bst",
        "ist",
        "eastern",
        "pacific",
        "central",
        "mountain",
        "aest",
        "aedt",
    ]
)
# A city that says which zone `ET` is.
CITIES = {
    "new york": "America/New_York", "washington": "America/New_York", "boston": "America/New_York",
    "toronto": "America/Toronto", "chicago": "America/Chicago", "denver": "America/Denver",
    "los angeles": "America/Los_Angeles", "san francisco": "America/Los_Angeles", "seattle": "America/Los_Angeles",
    "london": "Europe/London", "dublin": "Europe/Dublin", "berlin": "Europe/Berlin", "amsterdam": "Europe/Amsterdam",
    "paris": "Europe/Paris", "brussels": "Europe/Brussels", "sydney": "Australia/Sydney", "delhi": "Asia/Kolkata",
    "mumbai": "Asia/Kolkata",
}  # fmt: skip


def load_zone(name: str) -> tzinfo | None:
    """Return a time zone by its IANA name, None if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
