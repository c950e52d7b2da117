"""Starts, watches and stops all of Telltale on one machine; a library for tests and benchmarks too.

``launcher.stack.Stack`` is the door for code, ``script/server`` the one for people. What runs
before the virtual environment exists (``scripts``, and ``command``, ``environment``, ``dashboard``,
``errors`` that they use) imports the standard library alone.
"""
