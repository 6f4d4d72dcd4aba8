"""Desk: where an issue is looked at and written, in a browser on the editor's own machine."""

from moza_mail.web.desk.guard import MAIL_POLICY, Keys
from moza_mail.web.desk.looks import Look, Scheme, seen
from moza_mail.web.desk.serving import serve
from moza_mail.web.desk.site import app
from moza_mail.web.desk.words import words
from moza_mail.web.desk.workshop import Card, Conflict, Happened, Showing, Source, Standing, State, Workshop

__all__ = [
    "MAIL_POLICY",
    "Card",
    "Conflict",
    "Happened",
    "Keys",
    "Look",
    "Scheme",
    "Showing",
    "Source",
    "Standing",
    "State",
    "Workshop",
    "app",
    "seen",
    "serve",
    "words",
]
