"""Theme: a folder of templates, already in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moza_mail.errors import ThemeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """How an issue is dressed.

    `settings` is theme.toml as read. `files` maps a path inside the theme (`partials/header.mjml`) to its text, `assets`
    one (`assets/logo.png`) to its bytes; both already hold what falls back to the bundled themes.
    """

    name: str
    settings: Mapping[str, Any]
    files: Mapping[str, str]
    assets: Mapping[str, bytes]

    def template(self, path: str) -> str:
        """The text of one template; raise ThemeError naming it when the theme has none."""
        try:
            return self.files[path]
        except KeyError:
            raise ThemeError(
                f"theme {self.name}: {path} is missing",
                theme=self.name,
                template=path,
                hint=f"Put {path} in templates/{self.name}, or name another theme in moza-mail.toml.",
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Colophon:
    """What a mail says about its sender, beside the issue: who mails, why, and how to leave.

    `view_url` is the issue on the web, empty when it has no page. `can_unsubscribe` tells whether every message will
    carry its reader's own unsubscribe link (then the slot `unsubscribe_url` is left open for it).
    """

    sender_name: str
    list_title: str
    postal_address: str = ""
    contact: str = ""
    view_url: str = ""
    can_unsubscribe: bool = False
