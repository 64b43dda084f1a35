"""The settings of an instance: one model, five sources, an origin for each value."""

from schedulezero.runtime.errors import SettingsError
from schedulezero.runtime.settings.binding import insecure_binds
from schedulezero.runtime.settings.fields import FIELDS, SECTIONS, Field
from schedulezero.runtime.settings.loading import Loaded, load
from schedulezero.runtime.settings.model import (
    DatabaseSettings,
    Endpoints,
    HandlerSettings,
    LogFormat,
    LoggingSettings,
    LogLevel,
    MetricsSettings,
    RegistrySettings,
    SchedulerSettings,
    SecuritySettings,
    Settings,
    WebSettings,
)
from schedulezero.runtime.settings.rendering import public, render_effective, render_example

__all__ = [
    "FIELDS",
    "SECTIONS",
    "DatabaseSettings",
    "Endpoints",
    "Field",
    "HandlerSettings",
    "Loaded",
    "LogFormat",
    "LogLevel",
    "LoggingSettings",
    "MetricsSettings",
    "RegistrySettings",
    "SchedulerSettings",
    "SecuritySettings",
    "Settings",
    "SettingsError",
    "WebSettings",
    "insecure_binds",
    "load",
    "public",
    "render_effective",
    "render_example",
]
