"""The REST API of ScheduleZero from Python, synchronous and asynchronous."""

from schedulezero.client.clients import AsyncClient, Client
from schedulezero.client.errors import ClientError, Unreachable, WaitTimeout

__all__ = ["AsyncClient", "Client", "ClientError", "Unreachable", "WaitTimeout"]
