"""Project: the folder with moza-mail.toml, its issues, themes, lists and secrets. The only room that reads the environment."""

from moza_mail.project.config import CONFIG_FILE
from moza_mail.project.folder import Project, find
from moza_mail.project.secrets import keep_private
from moza_mail.project.site import Published, publish
from moza_mail.project.starter import LANGUAGES, Starter, slug_of, start

__all__ = [
    "CONFIG_FILE", "LANGUAGES", "Project", "Published", "Starter", "find", "keep_private", "publish", "slug_of", "start",
]  # fmt: skip
