"""Desk: where an issue is looked at and written, in a browser on the editor's own machine."""

from moza_mail.web.editor.client_view import Look, Scheme, seen
from moza_mail.web.editor.routes import app
from moza_mail.web.editor.security import MAIL_POLICY, Keys
from moza_mail.web.editor.server import serve
from moza_mail.web.editor.workshop import Card, Conflict, Happened, Showing, Source, Workshop

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
    "Workshop",
    "app",
    "seen",
    "serve",
]
