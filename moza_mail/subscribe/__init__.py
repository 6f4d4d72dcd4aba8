"""Sign-up, confirmation, preferences, imports, bounces and erasure.

Everything that changes who is on a list is in this package.
"""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
    from moza_mail.subscribe.bounces import record_bounce
    from moza_mail.subscribe.confirmations import (
        ConfirmationSettings,
        deliver_confirmations,
        keep_delivering_confirmations,
    )
    from moza_mail.subscribe.file_import import (
        REFUSED,
        ImportedRow,
        ImportReport,
        ImportSettings,
        import_rows,
    )
    from moza_mail.subscribe.self_service import SelfService
    from moza_mail.subscribe.subscriber_admin import NonSubscriber, SubscriberAdmin

__all__ = [
    "REFUSED",
    "ConfirmationSettings",
    "ImportReport",
    "ImportSettings",
    "ImportedRow",
    "NonSubscriber",
    "SelfService",
    "SubscriberAdmin",
    "deliver_confirmations",
    "import_rows",
    "keep_delivering_confirmations",
    "record_bounce",
]

__getattr__ = import_on_first_use(
    __name__,
    bounces="record_bounce",
    confirmations="ConfirmationSettings deliver_confirmations keep_delivering_confirmations",
    file_import="REFUSED ImportedRow ImportReport ImportSettings import_rows",
    self_service="SelfService",
    subscriber_admin="NonSubscriber SubscriberAdmin",
)
