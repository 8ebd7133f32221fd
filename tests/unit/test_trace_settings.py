"""The settings of traces, and that they cost nothing without them."""

import subprocess
import sys

import pytest

from shared.settings import SettingsError, load
from shared.trace_settings import OtelSettings
from shortener.settings import Settings

REQUIRED = {
    "DATABASE_URL": "postgresql://db/qck",
    "REDIS_URL": "redis://127.0.0.1",
    "AMQP_URL": "amqp://mq",
    "DEFAULT_DOMAIN": "s.test",
}

_CHECK = """
import importlib, sys, threading
absent = tuple(sys.argv.pop().split(","))
from shared.settings import load
name, wiring = sys.argv[1:3]
settings = importlib.import_module(f"{name}.settings").Settings
importlib.import_module(f"{name}.{wiring}").create_app(
    load(settings, dict(pair.split("=", 1) for pair in sys.argv[3:]))
)
assert not [module for module in sys.modules if module.startswith(absent)]
assert threading.active_count() == 1
"""


def loaded(**variables: str) -> OtelSettings:
    """Load the shortener's settings; return those of traces."""
    return load(Settings, REQUIRED | variables).otel


@pytest.mark.parametrize(
    ("service", "wiring", "absent"),
    [
        # redis-py imports OpenTelemetry's metrics wherever they are installed.
        ("shortener", "app", "opentelemetry.exporter,opentelemetry.propagate,google.protobuf"),
        ("click_ingest", "worker", "opentelemetry"),
    ],
)
def test_without_an_endpoint_nothing_of_traces_is_imported(
    service: str, wiring: str, absent: str
) -> None:
    """A service that is wired without traces has neither their modules nor a thread."""
    variables = map("=".join, REQUIRED.items())
    subprocess.run(
        [sys.executable, "-c", _CHECK, service, wiring, *variables, absent],
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("https://traces.example/otlp/", "https://traces.example/otlp/v1/traces"),
        ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
    ],
)
def test_spans_go_below_the_endpoint(endpoint: str, url: str) -> None:
    """As the specification has it, the endpoint is a base for all signals."""
    assert loaded(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint).traces_url == url


@pytest.mark.parametrize(
    "endpoint",
    ["collector:4318", "grpc://collector", "http://", "http://c:port", "http://c:99999",
     "http://c:0", "http://c/?key=1", "http://c/#x", "http://c/a b", "http://[c"],
)  # fmt: skip
def test_a_wrong_endpoint_is_told_with_all_other_problems(endpoint: str) -> None:
    """It is one of the problems that stop the start."""
    with pytest.raises(SettingsError) as error:
        loaded(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, SHORT_CODE_LENGTH="3")
    first, second = sorted(error.value.problems)
    assert first.startswith("OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL")
    assert second.startswith("SHORT_CODE_LENGTH")


def test_a_password_in_the_endpoint_is_refused_and_not_shown() -> None:
    """It would be in logs."""
    with pytest.raises(SettingsError, match="belongs in OTEL_EXPORTER_OTLP_HEADERS") as error:
        loaded(OTEL_EXPORTER_OTLP_ENDPOINT="https://me:hush@traces.example")
    assert "hush" not in str(error.value)


def test_headers_are_secrets() -> None:
    """They are decoded for sending, and shown by nothing."""
    settings = loaded(OTEL_EXPORTER_OTLP_HEADERS="authorization=Basic%20hush, x-team = qck ,")
    assert settings.headers() == {"authorization": "Basic hush", "x-team": "qck"}
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("headers", ["hush", "a b=hush", "=hush", "a=hush%0d%0ax:y", "ä=hush"])
def test_wrong_headers_are_refused_and_not_shown(headers: str) -> None:
    """What could not be sent is told before anything starts, by the variable's name alone."""
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_HEADERS: expected") as error:
        loaded(OTEL_EXPORTER_OTLP_HEADERS=headers)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ],
)
def test_values_without_sense_are_refused(name: str, value: str) -> None:
    """A value that could not work is named before anything starts."""
    with pytest.raises(SettingsError, match=name):
        loaded(**{name: value})
