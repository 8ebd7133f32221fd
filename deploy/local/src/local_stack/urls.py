"""Where a stack's doors are, with the passwords that open them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from local_stack.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of one stack; what holds a secret is not in the repr."""

    public_url: str
    api_url: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    amqp_url: str = field(repr=False)
    api_key: str = field(repr=False)


def create_urls(ports: Mapping[str, int], settings: Mapping[str, str]) -> Urls:
    """Make the addresses out of all ports, "nginx" and "api" too, and the settings."""

    def password(name: str) -> str:
        return quote(settings.get(name, ""), safe="")

    postgres = f"qck:{password('POSTGRES_PASSWORD')}@{LOOPBACK}:{ports['postgres']}"
    rabbitmq = f"qck:{password('RABBITMQ_PASSWORD')}@{LOOPBACK}:{ports['rabbitmq']}"
    return Urls(
        public_url=f"http://{LOOPBACK}:{ports['nginx']}",
        api_url=f"http://{LOOPBACK}:{ports['api']}",
        database_url=f"postgresql://{postgres}/qck",
        redis_url=f"redis://:{password('REDIS_PASSWORD')}@{LOOPBACK}:{ports['redis']}/0",
        amqp_url=f"amqp://{rabbitmq}/%2F",
        api_key=settings.get("INITIAL_API_KEY", ""),
    )
