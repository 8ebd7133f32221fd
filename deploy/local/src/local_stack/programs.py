"""Which programs there are, in which order they stop, and the description of each."""

from collections.abc import Iterable, Mapping

from local_stack import nginx, postgres, prometheus, rabbitmq, redis, services
from local_stack.errors import StackError
from local_stack.home import Home
from local_stack.program import Program

STORES = ("rabbitmq", "postgres", "redis")
SERVICES = tuple(services.MODULES)
ALL = ("epmd", *STORES, *SERVICES, "nginx")

EXTRAS = ("prometheus",)
"""Programs that come only when they are named."""

STOP_ORDER = (("nginx",), EXTRAS, SERVICES, STORES, ("epmd",))
"""From the visitors inwards, so that nothing is asked for what is gone already."""

PRIVATE_PORTS = ("epmd", "rabbitmq", "rabbitmq-dist", "postgres", "redis", *SERVICES, *EXTRAS)


def choose(names: Iterable[str]) -> tuple[str, ...]:
    """Return the named programs, with what they cannot do without, in their usual order.

    Raises:
        StackError: a name that no program has.
    """
    wanted = set(names)
    if unknown := wanted.difference(ALL, EXTRAS):
        raise StackError(f"no such program: {', '.join(sorted(unknown))}; there are {_listed()}")
    if "rabbitmq" in wanted:
        wanted.add("epmd")
    return tuple(name for name in (*ALL, *EXTRAS) if name in wanted)


def describe(
    names: Iterable[str], *, home: Home, ports: Mapping[str, int], settings: Mapping[str, str]
) -> dict[str, Program]:
    """Describe the named programs; `ports` has the private ones, "nginx" and "api"."""
    return {name: _describe(name, home, ports, settings) for name in names}


def _describe(
    name: str, home: Home, ports: Mapping[str, int], settings: Mapping[str, str]
) -> Program:
    match name:
        case "epmd":
            return rabbitmq.epmd_program(home, ports["epmd"])
        case "rabbitmq":
            return rabbitmq.program(home, ports, settings["RABBITMQ_PASSWORD"])
        case "postgres":
            return postgres.program(home, ports["postgres"])
        case "redis":
            return redis.program(home, ports["redis"], settings["REDIS_PASSWORD"])
        case "nginx":
            return nginx.program(home, ports, settings)
        case "prometheus":
            speed = prometheus.speed_of(settings.get(prometheus.SPEED, ""))
            return prometheus.program(home, ports, targets=SERVICES, speed=speed)
        case _:
            return services.program(name, home=home, ports=ports, settings=settings)


def _listed() -> str:
    return ", ".join((*ALL, *EXTRAS))
