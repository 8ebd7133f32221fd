"""Requests with an `Idempotency-Key`: carried out once, however often they are sent.

The answer is stored in the transaction that carries the request out, so there is never one
without the other, whatever dies in between; and a request that comes while its twin is under way
waits for it and gets the same answer. Failed requests changed nothing and are not remembered.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Interval, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import idempotent_answers
from shortener.advisory_locks import lock_idempotency_key

T = TypeVar("T")

_answers = idempotent_answers.c
_FIND = select(_answers.fingerprint, _answers.answer).where(
    _answers.api_key_id == bindparam("api_key_id"),
    _answers.key == bindparam("key"),
    _answers.part == bindparam("part"),
    _answers.created_at > func.now() - bindparam("max_age", type_=Interval),
)
_insert = upsert(idempotent_answers)
_KEEP = _insert.on_conflict_do_update(
    index_elements=[_answers.api_key_id, _answers.key, _answers.part],
    set_={
        "fingerprint": _insert.excluded.fingerprint,
        "answer": _insert.excluded.answer,
        "created_at": func.now(),
    },
)


class KeyReusedError(Exception):
    """The idempotency key was used for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a request is answered, as it is stored: a field is added at the end, with a default."""

    status: int
    body: bytes
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Once:
    """A request to be carried out once, or one part of it."""

    api_key_id: int
    key: str
    fingerprint: bytes
    """Tells apart requests that share a key by mistake."""
    max_age_s: float
    """How long the answer counts."""
    part: int = 0

    @property
    def names(self) -> dict[str, object]:
        """What its answer is found by."""
        return {"api_key_id": self.api_key_id, "key": self.key, "part": self.part}

    def for_part(self, part: int) -> "Once":
        """Return the same request's other transaction."""
        return replace(self, part=part)


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The answer to a request, and what was done for it: None if it had been done before."""

    answer: Answer
    result: T | None


def fingerprint_of(what: str, content: object) -> bytes:
    """Return what makes two requests the same one: what is asked for, and the decoded body."""
    body = msgspec.json.encode(content, order="deterministic")
    return hashlib.sha256(what.encode() + b"\n" + body).digest()


async def do_once(
    connection: AsyncConnection,
    once: Once | None,
    work: Callable[[AsyncConnection], Awaitable[T]],
    answer_of: Callable[[T], Answer],
) -> Done[T]:
    """Do the work and keep its answer, or return the answer of the first time; None for `once`
    does it anyway.

    Raises:
        KeyReusedError: the key belongs to another request.
    """
    if once is None:
        result = await work(connection)
        return Done(answer_of(result), result)
    # Not only the key: else parts of one request would wait for each other's transactions.
    await lock_idempotency_key(connection, f"{once.api_key_id}/{once.part}/{once.key}")
    answer = await find_answer(connection, once)
    if answer is not None:
        return Done(answer, None)
    result = await work(connection)
    answer = answer_of(result)
    kept = {"fingerprint": once.fingerprint, "answer": msgspec.msgpack.encode(answer)}
    await connection.execute(_KEEP, {**once.names, **kept})
    return Done(answer, result)


async def find_answer(connection: AsyncConnection, once: Once) -> Answer | None:
    """Return what the request was answered, if it was carried out.

    Raises:
        KeyReusedError: the key belongs to another request.
    """
    max_age = timedelta(seconds=once.max_age_s)
    found = (await connection.execute(_FIND, {**once.names, "max_age": max_age})).one_or_none()
    if found is None:
        return None
    if found.fingerprint != once.fingerprint:
        raise KeyReusedError(once.key)
    return msgspec.msgpack.decode(found.answer, type=Answer)
