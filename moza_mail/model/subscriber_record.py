"""Everything the store holds about one subscriber."""

from dataclasses import dataclass

from moza_mail.model.bounce import Bounce
from moza_mail.model.mailing import Delivery
from moza_mail.model.subscriber import Subscriber, Subscription, Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberRecord:
    """Everything held about one subscriber.

    Each delivery and bounce is paired with the slug of its issue, oldest first.
    """

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...] = ()
    suppression: Suppression | None = None
    removed_suppressions: tuple[Suppression, ...] = ()
    deliveries: tuple[tuple[str, Delivery], ...] = ()
    bounces: tuple[tuple[str, Bounce], ...] = ()
