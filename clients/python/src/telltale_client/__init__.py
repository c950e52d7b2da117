"""Stream what an AI agent does to Telltale: every event kept once, in order."""

from telltale_client.agent import Agent
from telltale_client.engine import Stats
from telltale_client.errors import (
    AgentClosed,
    AgentFailed,
    BufferFull,
    InvalidEvent,
    SpillUnusable,
    TelltaleError,
)
from telltale_client.frames import Command, Config
from telltale_client.session import Rejection
from telltale_client.state import Connection

__all__ = [
    "Agent",
    "AgentClosed",
    "AgentFailed",
    "BufferFull",
    "Command",
    "Config",
    "Connection",
    "InvalidEvent",
    "Rejection",
    "SpillUnusable",
    "Stats",
    "TelltaleError",
]
