"""The loop of the generator: what is due is sent, what has come is recorded.

Raw sockets and epoll instead of asyncio, because at ten thousand requests a second on a machine
that the server needs too, every microsecond of the generator is one that is measured.
"""

import time
from array import array
from collections import deque
from collections.abc import Sequence
from math import inf

from tests.bench.fixed_rate.answer import NO_ID, AnswerError
from tests.bench.fixed_rate.connection import NOTHING, ClosedError, Connection
from tests.bench.fixed_rate.connections import Connections
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import RecordWriter
from tests.bench.fixed_rate.tally import Tally

TICK_S = 0.001
FAST_PER_SECOND = 2000.0
"""From this rate on the generator looks once a tick, for what is due and for what has come. To
wake up for each would double its cost; this makes every latency up to a tick longer."""

CONNECT_WITHIN_S = 5.0
LOOK_FOR_TIMEOUTS_EACH_S = 0.25

CLOSED, NOT_SENT = "closed", "not sent"
_AS_IT_MAY = (CLOSED, NOT_SENT)
"""What a kept connection shows when the server has closed it, which it may do at any moment."""


class Sender:
    """Carries one plan out."""

    def __init__(
        self,
        plan: Plan,
        targets: Sequence[bytes],
        order: "array[int]",
        records: RecordWriter,
    ) -> None:
        self._plan = plan
        self._starts = [b"%b %b" % (plan.method.encode(), target) for target in targets]
        self._endings = [text.encode() for text in plan.endings]
        self._order = order
        self._records = records
        self._connections = Connections(plan.port, plan.connections)
        self._waiting: deque[tuple[int, float]] = deque()
        """Number and time of what is due and has no connection."""
        self._tally = Tally()
        self._is_over = False

    def stop(self) -> None:
        """Send no more, and end when what was sent is answered."""
        self._is_over = True

    def run(self) -> Outcome:
        """Send all of it and wait for the answers."""
        self._connect()
        # The clocks start once there is something to send on.
        tally = self._tally = Tally()
        due = tally.started
        is_fast = self._plan.per_second >= FAST_PER_SECOND
        look_at = due + LOOK_FOR_TIMEOUTS_EACH_S
        while due < inf or tally.open:
            now = time.perf_counter()
            if self._is_over:
                due = inf
            elif due <= now:
                due = self._release(due, now)
            self._send()
            if now >= look_at:
                look_at = now + LOOK_FOR_TIMEOUTS_EACH_S
                self._give_up(now - self._plan.timeout_s)
                self._connections.open_due()
            if is_fast:
                time.sleep(TICK_S)
            wait_s = 0 if is_fast else min(due, look_at) - time.perf_counter()
            for connection in self._connections.with_news(wait_s):
                self._receive(connection)
        self._connections.close()
        return tally.outcome()

    def _connect(self) -> None:
        """Open the connections before the clock starts; what does not open is tried on."""
        deadline = time.perf_counter() + CONNECT_WITHIN_S
        while len(self._connections.idle) < self._plan.connections:
            self._connections.open_due()
            for _ in self._connections.with_news(0.01):
                pass
            if time.perf_counter() > deadline:
                return

    def _release(self, due: float, now: float) -> float:
        """Put what is due in the queue; return when the next one is."""
        plan, tally, number = self._plan, self._tally, self._tally.due
        free = max(0, len(self._connections.idle) - len(self._waiting))
        while due <= now and number < plan.count:
            tally.late.add(now - due)
            self._waiting.append((number, due))
            number += 1
            due = tally.started + plan.due_s(number)
        tally.waited += max(0, number - tally.due - free)
        tally.due = number
        return due if number < plan.count else inf

    def _send(self) -> None:
        waiting, idle = self._waiting, self._connections.idle
        while waiting and idle:
            connection = idle.popleft()
            number, due = waiting.popleft()
            request = self._starts[self._order[number]]
            request += self._endings[number % len(self._endings)]
            try:
                connection.ask(number, due, request)
            except OSError:
                self._closed(connection, NOT_SENT)

    def _receive(self, connection: Connection) -> None:
        number = connection.number
        try:
            answer = connection.receive()
        except ClosedError:
            return self._closed(connection, CLOSED)
        except AnswerError as error:
            return self._closed(connection, str(error))
        if answer is None:
            return None
        status, request_id, is_last = answer
        now = time.perf_counter()
        self._tally.answered += 1
        self._tally.last_answer = now
        self._records.add(number, now - connection.due, status, request_id)
        if is_last:
            self._replace(connection)
        else:
            self._connections.idle.append(connection)
        return None

    def _closed(self, connection: Connection, kind: str) -> None:
        """Ask again what a browser would, else take the failure down."""
        number, due, again = connection.number, connection.due, self._tally.again
        if number != NOTHING:
            if kind in _AS_IT_MAY and connection.is_untouched and number not in again:
                again.add(number)
                self._waiting.appendleft((number, due))
            else:
                self._fail(number, due, kind)
        self._replace(connection)

    def _replace(self, connection: Connection) -> None:
        self._connections.replace(connection)
        self._connections.open_due()

    def _fail(self, number: int, due: float, kind: str) -> None:
        self._tally.failures[kind] += 1
        self._records.add(number, time.perf_counter() - due, 0, NO_ID)

    def _give_up(self, due_before: float) -> None:
        """Let nobody wait longer than the plan says, with a connection or without one."""
        for connection in self._connections.busy:
            if connection.due < due_before:
                self._closed(connection, "timeout")
        while self._waiting and self._waiting[0][1] < due_before:
            self._fail(*self._waiting.popleft(), "no connection")
