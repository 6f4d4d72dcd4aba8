"""The project folder: moza-mail.toml, issues, themes, lists and secrets.

No other package reads environment variables.
"""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
    from moza_mail.project.config import CONFIG_FILE
    from moza_mail.project.folder import Project, find_project
    from moza_mail.project.hugo_site import find_hugo_site
    from moza_mail.project.new_project import LANGUAGES, NewProject, create_project
    from moza_mail.project.publish_folder import PublishResult, publish_files
    from moza_mail.project.read_file import printable_path
    from moza_mail.project.secrets import write_private_file
    from moza_mail.project.service_manager import notify_ready

__all__ = [
    "CONFIG_FILE",
    "LANGUAGES",
    "NewProject",
    "Project",
    "PublishResult",
    "create_project",
    "find_hugo_site",
    "find_project",
    "notify_ready",
    "printable_path",
    "publish_files",
    "write_private_file",
]  # fmt: skip

__getattr__ = import_on_first_use(
    __name__,
    config="CONFIG_FILE",
    folder="Project find_project",
    hugo_site="find_hugo_site",
    new_project="LANGUAGES NewProject create_project",
    publish_folder="PublishResult publish_files",
    read_file="printable_path",
    secrets="write_private_file",
    service_manager="notify_ready",
)
