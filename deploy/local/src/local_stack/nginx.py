"""nginx: the repository's one configuration, rendered for private ports and one machine."""

import sys
from collections.abc import Mapping

from local_stack import binaries, readiness, users
from local_stack.home import PROJECT_ROOT, Home
from local_stack.ports import LOOPBACK
from local_stack.program import Program
from shared.nginx_config import real_ip_rules
from shared.nginx_limits import limit_values
from shared.template import render


def program(home: Home, ports: Mapping[str, int], settings: Mapping[str, str]) -> Program:
    """Describe the server; `ports` has "nginx" (public), "api" and those of the services."""
    folder = home.folder("nginx")
    folder.chmod(0o711)  # its workers, another user's, pass through it to their temporary files
    templates = PROJECT_ROOT / "nginx/templates"
    doors = render(
        (templates / "qck.conf.template").read_text(),
        {
            "PUBLIC_LISTEN": f"{LOOPBACK}:{ports['nginx']}",
            "API_LISTEN": f"{LOOPBACK}:{ports['api']}",
            "REDIRECTOR_1": f"{LOOPBACK}:{ports['redirector-1']}",
            "REDIRECTOR_2": f"{LOOPBACK}:{ports['redirector-2']}",
            "SHORTENER": f"{LOOPBACK}:{ports['shortener']}",
            "ACCESS_LOG": str(home.log("nginx-access")),
            "REAL_IP_RULES": real_ip_rules(settings.get("TRUSTED_PROXIES", "")),
            "TLS_RULES": "",
            "HSTS_MAX_AGE_S": "0",
            **limit_values(settings),
        },
    )
    main = render(
        (templates / "nginx.conf.template").read_text(),
        {
            "FOLDER": str(folder),
            "CONFIG_FOLDER": str(folder),
            "USER_DIRECTIVE": _user_directive(home),
        },
    )
    return Program(
        name="nginx",
        # Without -e it complains about /var/log/nginx before it reads where to log.
        command=(binaries.require("nginx"), "-e", "stderr", "-c", f"{folder}/nginx.conf"),
        folder=folder,
        port=ports["nginx"],
        probe=lambda: readiness.accepts(ports["nginx"]),
        files={"nginx.conf": main, "qck.conf": doors},
        stop_signal="QUIT",
        # A killed master leaves its workers behind, and they keep the ports.
        before=(sys.executable, "-P", "-m", "local_stack.orphans", str(home.path), "nginx"),
    )


def _user_directive(home: Home) -> str:
    """Name the workers' user, who must reach the temporary files; not root may not name one."""
    if not users.is_root():
        return ""
    worker = "www-data"
    if users.has_user(worker) and users.can_reach(worker, home.path):
        return f"user {worker};\n"
    return "user root;\n"
