"""Sockets: the connection, the agent's side, the dashboard's side, the micro-batch."""
