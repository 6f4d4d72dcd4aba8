"""Project: the folder with moza-mail.toml, its issues, themes, lists and secrets. The only room that reads the environment."""

from moza_mail.project.config import CONFIG_FILE
from moza_mail.project.folder import Project, find
from moza_mail.project.secrets import keep_private
from moza_mail.project.site import Published, publish

__all__ = ["CONFIG_FILE", "Project", "Published", "find", "keep_private", "publish"]
