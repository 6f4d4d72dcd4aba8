"""Subscribe: how people come onto a list, what is told of them, and what reports say of their addresses."""

from moza_mail.subscribe.imports import ImportReport, add, export_people, import_people
from moza_mail.subscribe.people import held, show, suppress, unsubscribe
from moza_mail.subscribe.reports import Origin, record_bounce

__all__ = [
    "ImportReport",
    "Origin",
    "add",
    "export_people",
    "held",
    "import_people",
    "record_bounce",
    "show",
    "suppress",
    "unsubscribe",
]
