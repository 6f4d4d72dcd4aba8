"""The public pages: sign-up, confirmation, unsubscription, preferences and the archive."""

from moza_mail.web.public.routes import build_app
from moza_mail.web.public.server import PublicServer, serve
from moza_mail.web.public.site import PublicSite

__all__ = ["PublicServer", "PublicSite", "build_app", "serve"]
