"""Project: the folder with moza-mail.toml, its issues, themes, lists and secrets. The only room that reads the environment."""

from moza_mail.project.config import CONFIG_FILE
from moza_mail.project.folder import Project, find_project
from moza_mail.project.secrets import write_private_file
from moza_mail.project.site import PublishResult, publish_files
from moza_mail.project.starter import LANGUAGES, NewProject, create_project, make_slug

__all__ = [
    "CONFIG_FILE",
    "LANGUAGES",
    "NewProject",
    "Project",
    "PublishResult",
    "create_project",
    "find_project",
    "make_slug",
    "publish_files",
    "write_private_file",
]  # fmt: skip
