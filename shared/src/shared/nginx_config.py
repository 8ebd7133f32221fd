"""The configuration of the nginx in front, rendered from its templates.

In containers a step of its own, `python -m shared.nginx_config`, writes it into the volume that
nginx reads, out of the templates in the image: a release brings the configuration that it was made
with, and nginx only reloads. The local stack renders the same templates for its private ports.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from shared.nginx_limits import NginxLimits
from shared.settings import SettingsError, load
from shared.template import render


class NginxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration for containers depends on."""

    nginx_templates: Path
    """Folder of the templates."""
    nginx_config: Path
    """Folder that is written, and that nginx sees as `/etc/qck/nginx`."""
    redirector_1: str
    """`address:port`, as for the next two. Addresses: nginx looks names up only when it starts."""
    redirector_2: str
    shortener: str
    trusted_proxies: str = ""
    """Addresses or networks whose X-Forwarded-For is believed."""
    tls: bool = False
    """Whether nginx has the certificate."""
    hsts_max_age_s: Annotated[int, msgspec.Meta(ge=0)] = 31_536_000
    """How long browsers that came by TLS must not come without; 0 makes them forget it."""
    limit: NginxLimits = msgspec.field(default_factory=NginxLimits)
    """How much one visitor may ask for."""

    def __post_init__(self) -> None:
        real_ip_rules(self.trusted_proxies)


def real_ip_rules(trusted_proxies: str) -> str:
    """Return the directives that believe X-Forwarded-For from these networks only.

    Raises:
        ValueError: something in the list is neither an address nor a network.
    """
    rules, wrong = [], []
    for network in trusted_proxies.replace(",", " ").split():
        try:
            rules.append(f"set_real_ip_from {ipaddress.ip_network(network, strict=False)};")
        except ValueError:
            wrong.append(network)
    if wrong:
        raise ValueError(f"TRUSTED_PROXIES: neither an address nor a network: {', '.join(wrong)}")
    return "\n".join(rules)


def container_files(settings: NginxSettings) -> dict[str, str]:
    """Return the files of a container's configuration, by name."""
    templates = settings.nginx_templates
    return {
        "nginx.conf": render(
            (templates / "nginx.conf.template").read_text(),
            {"FOLDER": "/tmp", "CONFIG_FOLDER": "/etc/qck/nginx", "USER_DIRECTIVE": ""},  # noqa: S108 - a tmpfs of nginx's own
        ),
        "tls.conf": (templates / "tls.conf").read_text(),
        "qck.conf": render(
            (templates / "qck.conf.template").read_text(),
            {
                "PUBLIC_LISTEN": "8080",
                "API_LISTEN": "8081",
                "REDIRECTOR_1": settings.redirector_1,
                "REDIRECTOR_2": settings.redirector_2,
                "SHORTENER": settings.shortener,
                "ACCESS_LOG": "/dev/stdout",
                "REAL_IP_RULES": real_ip_rules(settings.trusted_proxies),
                "TLS_RULES": "include /etc/qck/nginx/tls.conf;" if settings.tls else "",
                "HSTS_MAX_AGE_S": str(settings.hsts_max_age_s),
                **settings.limit.template_values(),
            },
        ),
    }


def write_config(environment: Mapping[str, str]) -> None:
    """Write the files, each whole or not at all; nginx reads them at its start and on reload.

    Raises:
        SettingsError: the environment does not make valid settings.
        OSError: a template cannot be read or a file not be written.
    """
    settings = load(NginxSettings, environment)
    for name, text in container_files(settings).items():
        new = settings.nginx_config / f"{name}.new"
        new.write_text(text)
        new.replace(settings.nginx_config / name)


if __name__ == "__main__":
    try:
        write_config(os.environ)  # noqa: TID251 - an entry point
    except (SettingsError, OSError) as error:
        raise SystemExit(f"nginx configuration: {error}") from None
