"""``script/server``: the stack, with signals, a page of addresses, and an exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
from textwrap import indent
from types import FrameType

from launcher.command import ROOT, ServerOptions
from launcher.errors import LauncherError, PartFailed, Stopped
from launcher.logs import readable
from launcher.stack import Stack

LOGS_CHECK_S = 10.0


def tell(line: str) -> None:
    """Say what happens, in one line, on the standard error."""
    sys.stderr.write(f"{line}\n")  # in one piece, since several threads tell


def serve(options: ServerOptions) -> int:
    """Start everything, stay until somebody asks for the end, stop everything.

    Returns the exit status: 0 when asked to end, 1 when something stood in the way.
    """
    stack = Stack(
        options.data,
        host=options.host,
        port=options.port,
        demo=options.demo,
        env=os.environ,
        tell=tell,
    )
    _heed_signals(stack)
    failure: LauncherError | None
    try:
        tell("Starting …")
        stack.up()
        print(welcome(stack), flush=True)
        failure = _stay(stack)
    except Stopped:
        failure = None
    except LauncherError as error:
        failure = error
    stack.down()
    if failure is None:
        tell("Stopped.")
        return 0
    if isinstance(failure, PartFailed):
        for line in failure.log_lines:
            tell(indent(readable(line), "  "))
    tell(str(failure))
    return 1


def welcome(stack: Stack) -> str:
    """What a person needs to know now."""
    folder = stack.folder.root
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return f"""
Telltale is ready.

  Dashboard      {stack.url}{stack.prepared.sign_in_path}
                 (signs you in, once)
  Sign in as     {stack.prepared.admin_email}
  Password       {stack.env["ADMIN_PASSWORD"]}
  Admin API key  {stack.admin_key}
                 (also in {shown}/admin_key)
  Logs           {shown}/log/
  Stop           Ctrl-C
"""


def _heed_signals(stack: Stack) -> None:
    def heed(_number: int, _frame: FrameType | None) -> None:
        if stack.abort.is_set():
            stack.supervisor.hurry.set()
        stack.abort.set()
        stack.supervisor.wake.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, heed)


def _stay(stack: Stack) -> PartFailed | None:
    wake: threading.Event = stack.supervisor.wake
    while not wake.wait(LOGS_CHECK_S):
        stack.supervisor.bound_logs()
    if not stack.abort.is_set():
        return stack.supervisor.failure
    tell("Stopping …")
    return None
