"""RabbitMQ and its port mapper: a node that only this machine can see.

Both the node's distribution port and epmd listen everywhere unless told otherwise, and two nodes
on one machine share an epmd unless each has its own.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping

from local_stack import binaries, readiness
from local_stack.home import PROJECT_ROOT, Home
from local_stack.program import Program
from shared.template import render

USER = "qck"
NODE = "qck@localhost"

# A path of the folder that it runs in: the name of a checkout may have what is a comment here.
_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
definitions.local.path = definitions.json
log.console = true
log.file = false
"""


def epmd_program(home: Home, port: int) -> Program:
    """Describe the port mapper; it must be up before the node, which would start its own."""
    return Program(
        name="epmd",
        command=(binaries.require("epmd"),),
        folder=home.folder("rabbitmq"),
        port=port,
        probe=lambda: readiness.epmd_answers(port),
        environment={"ERL_EPMD_PORT": str(port), "ERL_EPMD_ADDRESS": "127.0.0.1"},
    )


def program(home: Home, ports: Mapping[str, int], password: str) -> Program:
    """Describe the node. Users and policies come from its definitions at each boot."""
    folder = home.folder("rabbitmq")
    port = ports["rabbitmq"]
    shipped = PROJECT_ROOT / "deploy/rabbitmq"
    definitions = render(
        (shipped / "definitions.json").read_text(),
        {"RABBITMQ_PASSWORD_HASH": password_hash(password)},
    )
    configuration = (shipped / "rabbitmq.conf").read_text() + _CONFIGURATION.format(port=port)
    return Program(
        name="rabbitmq",
        command=(binaries.require("rabbitmq-server"),),
        folder=folder,
        port=port,
        probe=lambda: readiness.rabbitmq_answers(port),
        environment={
            **client_environment(home, ports),
            "RABBITMQ_DIST_PORT": str(ports["rabbitmq-dist"]),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_SCHEMA_DIR": f"{folder}/schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ON_LOOPBACK,
            # Makes the start script become the Erlang VM, which then gets our signals itself.
            "RUNNING_UNDER_SYSTEMD": "true",
        },
        files={
            "rabbitmq.conf": configuration,
            "definitions.json": definitions,
            # Each plugin makes the boot longer, and nothing here needs one.
            "enabled_plugins": "[].\n",
        },
        stop_within_s=20,
    )


def client_environment(home: Home, ports: Mapping[str, int]) -> dict[str, str]:
    """Return what rabbitmqctl needs to find the node and be let in."""
    return {
        "HOME": str(home.folder("rabbitmq")),
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": NODE,
        # Not the system's /etc/rabbitmq/rabbitmq-env.conf.
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CTL_ERL_ARGS": _ON_LOOPBACK,
    }


_ON_LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"


def password_hash(password: str) -> str:
    """Return the salted hash in the form that RabbitMQ's definitions want."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
