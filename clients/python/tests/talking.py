"""An agent that talks to a scripted server."""

from __future__ import annotations

from typing import Any

from telltale_client import Agent

from clients.python.tests.scripted_server import KEY, ScriptedServer


def connect(agents: list[Agent], server: ScriptedServer, **options: Any) -> Agent:
    agent = Agent(server.url, KEY, "a", **options)
    agents.append(agent)
    return agent


def say(agent: Agent, count: int, start: int = 0) -> list[str]:
    words = [str(number) for number in range(start, start + count)]
    for word in words:
        agent.log(word)
    return words
