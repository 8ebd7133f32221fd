"""nginx: the repository's one configuration, rendered for private ports and one machine."""

import ipaddress
import sys
from collections.abc import Mapping

from local_stack import binaries, readiness, users
from local_stack.errors import SettingsError
from local_stack.home import PROJECT_ROOT, Home
from local_stack.nginx_limits import limit_values
from local_stack.ports import LOOPBACK
from local_stack.program import Program
from local_stack.template import render

_MAIN = """\
# Rendered by the local stack: what surrounds nginx/templates/qck.conf.template.
daemon off;
{user}worker_processes auto;
worker_rlimit_nofile 16384;
worker_shutdown_timeout 3s;
pid {folder}/nginx.pid;
error_log stderr warn;

events {{
    worker_connections 4096;
}}

http {{
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;

    include {folder}/qck.conf;
}}
"""


def program(home: Home, ports: Mapping[str, int], settings: Mapping[str, str]) -> Program:
    """Describe the server; `ports` has "nginx" (public), "api" and those of the services."""
    folder = home.folder("nginx")
    rendered = render(
        (PROJECT_ROOT / "nginx/templates/qck.conf.template").read_text(),
        {
            "PUBLIC_LISTEN": f"{LOOPBACK}:{ports['nginx']}",
            "API_LISTEN": f"{LOOPBACK}:{ports['api']}",
            "REDIRECTOR_1": f"{LOOPBACK}:{ports['redirector-1']}",
            "REDIRECTOR_2": f"{LOOPBACK}:{ports['redirector-2']}",
            "SHORTENER": f"{LOOPBACK}:{ports['shortener']}",
            "ACCESS_LOG": str(home.log("nginx-access")),
            "REAL_IP_RULES": real_ip_rules(settings.get("TRUSTED_PROXIES", "")),
            **limit_values(settings),
        },
    )
    main = _MAIN.format(folder=folder, user=_user_directive(home))
    return Program(
        name="nginx",
        # Without -e it complains about /var/log/nginx before it reads where to log.
        command=(binaries.require("nginx"), "-e", "stderr", "-c", f"{folder}/nginx.conf"),
        folder=folder,
        port=ports["nginx"],
        probe=lambda: readiness.accepts(ports["nginx"]),
        files={"nginx.conf": main, "qck.conf": rendered},
        stop_signal="QUIT",
        # A killed master leaves its workers behind, and they keep the ports.
        before=(sys.executable, "-P", "-m", "local_stack.orphans", str(home.path), "nginx"),
    )


def real_ip_rules(trusted_proxies: str) -> str:
    """Return the directives that believe X-Forwarded-For from these networks only.

    Raises:
        SettingsError: something in the list is neither an address nor a network.
    """
    rules, problems = [], []
    for network in trusted_proxies.replace(",", " ").split():
        try:
            rules.append(f"set_real_ip_from {ipaddress.ip_network(network, strict=False)};")
        except ValueError:
            problems.append(f"TRUSTED_PROXIES: {network} is neither an address nor a network")
    if problems:
        raise SettingsError(problems)
    return "\n".join(rules)


def _user_directive(home: Home) -> str:
    """Name the workers' user, who must reach the temporary files; not root may not name one."""
    if not users.is_root():
        return ""
    worker = "www-data"
    if users.has_user(worker) and users.can_reach(worker, home.path):
        return f"user {worker};\n"
    return "user root;\n"
