"""The editor: a web interface on the author's own machine to write, check and test issues."""

from moza_mail.web.editor.client_view import ClientView, ColourScheme, apply_client_view
from moza_mail.web.editor.routes import build_app
from moza_mail.web.editor.security import MAIL_POLICY, AccessKeys
from moza_mail.web.editor.server import serve

__all__ = [
    "MAIL_POLICY",
    "AccessKeys",
    "ClientView",
    "ColourScheme",
    "apply_client_view",
    "build_app",
    "serve",
]
