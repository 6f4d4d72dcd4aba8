"""The public pages: sign-up, confirmation, unsubscription, preferences and the archive."""

from moza_mail.web.public.routes import app
from moza_mail.web.public.server import Server, serve
from moza_mail.web.public.service import Service

__all__ = ["Server", "Service", "app", "serve"]
