"""Everything the store holds about one subscriber."""

from dataclasses import dataclass

from moza_mail.model.bounce import Bounce
from moza_mail.model.mailing import Delivery
from moza_mail.model.subscriber import Subscriber, Subscription, Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberRecord:
    """Everything held about one subscriber. Deliveries and bounces are paired with their issue's slug, oldest first."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...] = ()
    suppression: Suppression | None = None
    removed_suppressions: tuple[Suppression, ...] = ()
    deliveries: tuple[tuple[str, Delivery], ...] = ()
    bounces: tuple[tuple[str, Bounce], ...] = ()
