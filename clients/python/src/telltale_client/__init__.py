"""Stream what an AI agent does to Telltale, every event kept once, in order; and lead a fleet."""

from telltale_client.agent import Agent
from telltale_client.engine import Stats
from telltale_client.errors import (
    AgentClosed,
    AgentFailed,
    ApiError,
    BufferFull,
    InvalidEvent,
    NotFound,
    ServerUnreachable,
    SpillUnusable,
    StaleVersion,
    TelltaleError,
    Unfinished,
)
from telltale_client.frames import Command, Config
from telltale_client.manager import Manager
from telltale_client.resources import AgentInfo, SentCommand, Task, TaskChanges, TaskTree
from telltale_client.session import Rejection
from telltale_client.state import Connection

__all__ = [
    "Agent",
    "AgentClosed",
    "AgentFailed",
    "AgentInfo",
    "ApiError",
    "BufferFull",
    "Command",
    "Config",
    "Connection",
    "InvalidEvent",
    "Manager",
    "NotFound",
    "Rejection",
    "SentCommand",
    "ServerUnreachable",
    "SpillUnusable",
    "StaleVersion",
    "Stats",
    "Task",
    "TaskChanges",
    "TaskTree",
    "TelltaleError",
    "Unfinished",
]
