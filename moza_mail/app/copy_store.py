"""Copy the project's store to another database, and seal the old store."""

from collections.abc import Mapping

from moza_mail import store as stores
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.model.address_hash import AddressHasher
from moza_mail.project import Project


async def copy_store(project: Project, url: str) -> Mapping[str, int]:
    """Copy all data to an empty database; return the number of rows by table.

    Raises StoreError during a mailing, if the database is not empty, or if the copy differs.
    """
    target_url = project.store_url(url)
    async with open_store(project) as source:
        hasher = AddressHasher(secret=project.read_secret())
        target = await stores.open_store(target_url, hasher=hasher)
        try:
            return await stores.copy_store(source, target, target_url, now=now())
        finally:
            await target.close()
