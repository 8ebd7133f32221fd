"""What one flush writes: distinct clicks in the order of their ids, and the poison among them."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from click_ingest.dead_letters import DeadLetter
from click_ingest.ledger import LedgerEntry
from click_ingest.message import ClickMessage, Delivery, open_message
from click_ingest.refusal import Refusal
from shared.click_event import ClickEvent


@dataclass(frozen=True, slots=True)
class ClickBatch:
    """Opened messages; `clicks` has each id once, however many spools sent it."""

    messages: Sequence[ClickMessage]
    clicks: Sequence[ClickEvent]
    message_numbers: Mapping[str, int]
    """By click id: which of the messages it came in."""
    dead_letters: Sequence[DeadLetter]

    @property
    def received(self) -> int:
        """Clicks in all messages, repeats and poison included."""
        return sum(message.received for message in self.messages)

    @property
    def poison(self) -> int:
        """Clicks that are set aside."""
        return sum(letter.clicks for letter in self.dead_letters)

    def without(self, refused: Sequence[tuple[ClickEvent, Refusal]]) -> "ClickBatch":
        """Make the batch in which these clicks are set aside."""
        refused_ids = {click.id for click, _ in refused}
        letters = [
            self.messages[self.message_numbers[click.id]].click_set_aside(
                click, refusal.fault, refusal.detail
            )
            for click, refusal in refused
        ]
        return ClickBatch(
            self.messages,
            [click for click in self.clicks if click.id not in refused_ids],
            self.message_numbers,
            [*self.dead_letters, *letters],
        )

    def ledger_entries(self, stored: Iterable[ClickEvent] = ()) -> dict[uuid.UUID, LedgerEntry]:
        """Make the ledger's entries; `stored` are those of the clicks that became rows."""
        entries: dict[uuid.UUID, LedgerEntry] = {}
        for message in self.messages:
            if message.origin is not None:
                entry = entries.setdefault(message.origin.source, LedgerEntry())
                entry.received.append(message.origin.sequences)
                entry.appended = max(entry.appended, message.origin.appended)
                entry.confirmed = max(entry.confirmed, message.origin.confirmed)
        for letter in self.dead_letters:
            if letter.source is not None:
                entries[letter.source].set_aside.append(letter.sequences)
        for number, clicks in Counter(self.message_numbers[click.id] for click in stored).items():
            if (origin := self.messages[number].origin) is not None:
                entries[origin.source].stored += clicks
                entries[origin.source].recovered += clicks if origin.is_replay else 0
        return entries


def open_batch(deliveries: Sequence[Delivery]) -> ClickBatch:
    """Open messages and join them; of clicks with the same id one is kept.

    The order of ids lets two workers that hold the same clicks wait in one order, not deadlock.
    """
    messages = [open_message(delivery) for delivery in deliveries]
    clicks: dict[str, ClickEvent] = {}
    message_numbers: dict[str, int] = {}
    for number, message in enumerate(messages):
        ids = [click.id for click in message.clicks]
        clicks.update(zip(ids, message.clicks, strict=True))
        message_numbers.update(dict.fromkeys(ids, number))
    return ClickBatch(
        messages,
        [clicks[click_id] for click_id in sorted(clicks)],
        message_numbers,
        [letter for message in messages for letter in message.dead_letters],
    )
