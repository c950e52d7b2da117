"""Telltale: the live picture of a fleet of AI agents."""
