"""Subscribe: how people come onto a list, what is told of them, and what reports say of their addresses."""

from moza_mail.subscribe.bounces import Origin, record_bounce
from moza_mail.subscribe.confirmations import Letter, Rounds, deliver_confirmations, keep_confirming
from moza_mail.subscribe.erasure import erase
from moza_mail.subscribe.imports import (
    REFUSED,
    Fate,
    Import,
    ImportReport,
    add,
    export_people,
    import_people,
    look_through,
)
from moza_mail.subscribe.people import Stranger, everything, held, show, suppress, unsubscribe, unsuppress
from moza_mail.subscribe.sign_up import asked, confirm, leave, preferences, set_preferences, sign_up

__all__ = [
    "REFUSED",
    "Fate",
    "Import",
    "ImportReport",
    "Letter",
    "Origin",
    "Rounds",
    "Stranger",
    "add",
    "asked",
    "confirm",
    "deliver_confirmations",
    "erase",
    "everything",
    "export_people",
    "held",
    "import_people",
    "keep_confirming",
    "leave",
    "look_through",
    "preferences",
    "record_bounce",
    "set_preferences",
    "show",
    "sign_up",
    "suppress",
    "unsubscribe",
    "unsuppress",
]
