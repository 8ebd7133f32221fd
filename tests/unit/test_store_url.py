"""URLs of stores that cannot be one are refused as settings, before anybody connects."""

import msgspec
import pytest

from shared.settings import AmqpSettings, DatabaseSettings, RedisSettings, SettingsError, load
from shared.store_url import AmqpUrl, DatabaseUrl, RedisUrl, StoreUrl


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """What a service knows of its stores."""

    database: DatabaseSettings
    redis: RedisSettings
    amqp: AmqpSettings


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (DatabaseUrl, "postgresql://qck:hush@127.0.0.1:5432/qck"),
        (DatabaseUrl, "postgres://qck@db/qck?sslmode=verify-full&sslrootcert=/dev/null"),
        (DatabaseUrl, "postgresql://qck:p%2F%40@db-1:5432,db-2/qck?target_session_attrs=any"),
        (DatabaseUrl, "postgresql:///qck?host=/run/postgresql"),
        (DatabaseUrl, "postgresql://qck@%2Frun%2Fpostgresql/qck"),
        (DatabaseUrl, "postgresql://qck@[::1]:65535/qck"),
        (RedisUrl, "redis://:hush@127.0.0.1:6379/0"),
        (RedisUrl, "redis://:hu@sh@cache"),
        (RedisUrl, "rediss://user:hush@cache:6379/0?ssl_ca_certs=/dev/null"),
        (RedisUrl, "rediss://cache/0?ssl_cert_reqs=none&ssl_check_hostname=false"),
        (RedisUrl, "unix:///run/redis.sock?db=1"),
        (AmqpUrl, "amqp://qck:hush@127.0.0.1:5672/%2F"),
        (AmqpUrl, "amqps://qck:hush@broker:5671/%2F?cafile=/dev/null"),
    ],
)
def test_what_clients_take_is_taken_as_it_is(kind: type[StoreUrl], url: str) -> None:
    """Every form that the docs name, and the clients know, passes unchanged."""
    assert kind(url).reveal() == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://qck:hush/hush@db/qck",
        "postgresql://qck:12/hush@db/qck",
        "postgresql://qck:hush?hush@db/qck",
        "postgresql://qck:hush#hush@db/qck",
        "postgresql://qck:12#hush@db/qck",
        "postgresql://qck:hush@hush@db/qck",
        "postgresql://qck:hush@db:99999/qck",
        "postgresql://qck:hush@db:0/qck",
        "postgresql://qck:hush@db:hush/qck",
        "postgresql://qck:hush@db-1:5432,db-2:hush/qck",
        "postgresql://qck:hush@[::1/qck",
        "postgresql://qck:hush@db/qck?sslmode",
        "postgresql://qck:hush@db..example/qck",
        "postgresql://qck:hush@db-1,db..example/qck",
    ],
)
def test_a_url_that_is_cut_by_its_own_characters_is_refused(url: str) -> None:
    """The reason says what is to be encoded, and has no word of the URL."""
    with pytest.raises(ValueError, match="percent-encoded") as caught:
        DatabaseUrl(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "url", "reason"),
    [
        (DatabaseUrl, "postgresql://qck@db/qck?sslmode=hush", "expected one of disable, allow"),
        (DatabaseUrl, "postgresql://qck@db/qck?sslrootcert=/hush.pem", "the file that sslroot"),
        (RedisUrl, "rediss://cache/0?ssl_ca_certs=/hush.pem", "the file that ssl_ca_certs"),
        (RedisUrl, "redis://cache/0?hush=1", "no more in its query than db$"),
        (RedisUrl, "redis://cache/0?max_connections=900", "no more in its query than db$"),
        (RedisUrl, "redis://cache/0?ssl_cert_reqs=none", "no more in its query than db$"),
        (RedisUrl, "rediss://cache/0?hush=1", "no more in its query than db, ssl_ca_certs, ssl_c"),
        (RedisUrl, "redis://cache/0?db=hush", r"expected \[0-9\]\+ for db"),
        (
            RedisUrl,
            "rediss://cache?ssl_cert_reqs=hush",
            "none|optional|required for ssl_cert_reqs",
        ),
        (AmqpUrl, "amqps://broker/?cafile=/hush.pem", "the file that cafile names cannot be read"),
    ],
)
def test_what_its_client_would_choke_on_is_refused(
    kind: type[StoreUrl], url: str, reason: str
) -> None:
    """Options of the query are held against the client, and files they name are looked for."""
    with pytest.raises(ValueError, match=reason) as caught:
        kind(url)
    assert "hush" not in str(caught.value)


def test_all_stores_that_are_wrong_are_named_at_once() -> None:
    """Quotes that came along, another store's URL and a bare host are one list of problems."""
    with pytest.raises(SettingsError) as caught:
        load(
            Stores,
            {
                "DATABASE_URL": '"postgresql://qck:hush@db/qck"',
                "DATABASE_MAX_CONNECTIONS": "many",
                "REDIS_URL": "cache:6379",
                "AMQP_URL": "http://qck:hush@broker/",
            },
        )
    assert caught.value.problems == [
        "DATABASE_URL: expected a URL that begins with postgresql:// or postgres://",
        "DATABASE_MAX_CONNECTIONS: Expected `int`, got 'many'",
        "REDIS_URL: expected a URL that begins with redis:// or rediss:// or unix://",
        "AMQP_URL: expected a URL that begins with amqp:// or amqps://",
    ]
