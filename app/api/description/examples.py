"""Examples of request bodies, by operation. A test sends each to a real server, and all succeed."""

from __future__ import annotations

from typing import Any, Final

AGENT: Final = "worker-7"
"""The agent that the examples speak of; it must be known."""

BODIES: Final[dict[str, dict[str, Any]]] = {
    "send_events": {
        "one": {
            "summary": "One event",
            "value": {
                "type": "tool.called",
                "agent_id": AGENT,
                "severity": "info",
                "data": {"tool": "search", "duration_ms": 41},
            },
        },
        "many": {
            "summary": "A batch: a status and a metric",
            "value": [
                {"type": "agent.status", "agent_id": AGENT, "data": {"status": "working"}},
                {"type": "agent.metric", "agent_id": AGENT, "data": {"cpu_pct": 12.5}},
            ],
        },
    },
    "register_agent": {
        "worker": {
            "summary": "A worker",
            "value": {"agent_id": AGENT, "name": "Seventh", "role": "worker"},
        },
    },
    "create_task": {
        "task": {
            "summary": "A task with an input",
            "value": {
                "title": "Read the news",
                "agent_id": AGENT,
                "input": {"url": "https://example.org/news"},
            },
        },
    },
    "change_task": {
        "begin": {"summary": "It is begun", "value": {"state": "working", "note": "Reading."}},
    },
    "cancel_task": {
        "why": {"summary": "With a reason", "value": {"note": "No longer wanted."}},
    },
    "write_config": {
        "value": {
            "summary": "Any JSON value",
            "value": {"model": "small", "tools": ["search", "browse"], "budget": 2.5},
        },
    },
    "write_config_schema": {
        "object": {
            "summary": "Configurations are objects with a model",
            "value": {
                "type": "object",
                "properties": {"model": {"type": "string"}},
                "required": ["model"],
            },
        },
    },
    "give_command": {
        "pause": {
            "summary": "Pause, within a minute",
            "value": {"name": "pause", "args": {"reason": "maintenance"}, "deadline_s": 60},
        },
    },
    "make_key": {
        "agent": {"summary": "A key for agents", "value": {"name": "fleet", "role": "agent"}},
    },
    "add_user": {
        "viewer": {
            "summary": "Somebody new, who will sign in with a ticket",
            "value": {"email": "ada@example.org", "role": "viewer"},
        },
    },
    "change_user": {
        "promote": {"summary": "Another role", "value": {"role": "operator"}},
    },
    "rename_project": {
        "name": {"summary": "Another name", "value": {"name": "Night shift"}},
    },
    "create_project": {
        "name": {"summary": "A project", "value": {"name": "Day shift"}},
    },
    "sign_in": {
        "password": {
            "summary": "With e-mail and password",
            "value": {"email": "ada@example.org", "password": "correct horse battery staple"},
        },
    },
    "set_own_password": {
        "both": {
            "summary": "The new one and the current one",
            "value": {
                "password": "a better horse, a newer battery",
                "current": "correct horse battery staple",
            },
        },
    },
    "choose_project": {
        "other": {
            "summary": "Another of one's projects",
            "value": {"project_id": "0199e1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5f"},
        },
    },
}
