"""The spill file: events that found no room in memory, as lines of JSON, in the order they came.

The first line names the agent. A line goes to the operating system at once, so it outlives the
process; it is synced to the disk about once a second and at the end, so a power cut may cost the
last second. Lines leave the file only after the server has stored their events. POSIX only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from telltale_client.buffer import Entry
from telltale_client.errors import SpillUnusable
from telltale_client.event import is_droppable

log = logging.getLogger("telltale_client")

_CHUNK = 256 * 1024


class SpillFile:
    """One agent's spill, locked against every other process while it is open.

    Three positions divide it: up to ``stored`` it may be cut off, up to ``read`` its events are in
    memory too, and what follows waits. They count from the beginning of the file's life: cutting
    the front off does not change them.
    """

    def __init__(self, path: str | os.PathLike[str], agent_id: str, max_bytes: int) -> None:
        self.path = Path(path)
        self.unread = 0
        self.broken_lines = 0
        self._max_bytes = max_bytes
        self._header = json.dumps({"telltale_spill": 1, "agent_id": agent_id}).encode() + b"\n"
        try:
            self._file = self._open_locked()
            try:
                self._end = self._check()
            except BaseException:
                os.close(self._file)
                raise
        except OSError as error:
            raise SpillUnusable(f"The spill file {self.path} cannot be used: {error}.") from error
        self._shift = 0
        self._read = self._stored = len(self._header)
        self._dirty = False

    def append(self, payload: bytes) -> bool:
        """Write one event behind all others. False if the file or the disk is full."""
        line = payload + b"\n"
        if self._end - self._shift + len(line) > self._max_bytes:
            self._cut_stored()
            if self._end - self._shift + len(line) > self._max_bytes:
                return False
        try:
            written = os.pwrite(self._file, line, self._end - self._shift)
            if written != len(line):
                raise OSError("the disk took only a part of the line")
        except OSError as error:
            log.warning("The spill file %s takes no more: %s", self.path, error)
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end - self._shift)
            return False
        self._end += len(line)
        self.unread += 1
        self._dirty = True
        return True

    def read(self, most_events: int) -> list[Entry]:
        """The oldest events that were not read yet, at most ``most_events`` and about 256 KiB."""
        lines = self._next_lines()
        if not lines:
            log.error("The spill file %s was cut from outside; its rest is lost", self.path)
            self._read, self.unread = self._end, 0
        entries = []
        for line in lines[:most_events]:
            self._read += len(line) + 1
            self.unread -= 1
            entry = _parse(line, self._read)
            if entry is None:
                self.broken_lines += 1
                log.error("A line of the spill file %s is no event; it is skipped", self.path)
            else:
                entries.append(entry)
        return entries

    def note_stored(self, spill_end: int) -> None:
        """Everything up to this position is stored. The file is emptied once that is all of it."""
        self._stored = max(self._stored, spill_end)
        if self._stored == self._end and self._end - self._shift > len(self._header):
            os.ftruncate(self._file, len(self._header))
            self._shift = self._end - len(self._header)
            self._dirty = True

    def sync(self) -> None:
        """Bring what was written to the disk, if anything was."""
        if self._dirty:
            self._dirty = False
            os.fsync(self._file)

    def put_back(self, payloads: Iterable[bytes]) -> None:
        """The process ends: the file becomes these events, and behind them what was not read."""
        rest = os.pread(self._file, self._end - self._read, self._read - self._shift)
        self._replace(b"".join(payload + b"\n" for payload in payloads) + rest)

    def close(self) -> None:
        """Sync and let go of the file."""
        self.sync()
        os.close(self._file)

    def remove(self) -> None:
        """Nothing in the file is needed any more: let go of it and delete it."""
        self.path.unlink(missing_ok=True)
        os.close(self._file)

    def abandon(self) -> None:
        """Let go in a forked child: the file stays the parent's, and so does the lock."""
        os.close(self._file)

    def _next_lines(self) -> list[bytes]:
        """The whole lines of the next chunk; at least one, however long, if there is one."""
        size = _CHUNK
        while True:
            block = os.pread(self._file, size, self._read - self._shift)
            lines = block.split(b"\n")[:-1]
            if lines or len(block) < size:
                return lines
            size *= 2

    def _open_locked(self) -> int:
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file).st_ino == self.path.stat().st_ino:
                    return file
            except FileNotFoundError:
                pass  # its last user removed it in this very moment
            except BlockingIOError:
                os.close(file)
                raise SpillUnusable(
                    f"The spill file {self.path} is in use by another process."
                ) from None
            os.close(file)

    def _check(self) -> int:
        """Read what is there: whose it is, how many events, where the last whole line ends."""
        end = len(self._header)
        with open(self._file, "rb", closefd=False) as file:
            header = file.readline(4096)
            if self._header.startswith(header) and header != self._header:  # new, or torn
                os.pwrite(self._file, self._header, 0)
            elif header != self._header:
                raise SpillUnusable(f"The spill file {self.path} belongs to another agent.")
            else:
                for line in file:
                    if not line.endswith(b"\n"):
                        log.warning("The last line of %s is torn; it is cut off", self.path)
                        break
                    end += len(line)
                    self.unread += 1
        os.ftruncate(self._file, end)
        return end

    def _cut_stored(self) -> None:
        """Drop the stored front, if it is worth a copy of the rest."""
        if self._stored - self._shift - len(self._header) < self._max_bytes // 4:
            return
        kept = os.pread(self._file, self._end - self._stored, self._stored - self._shift)
        end, stored = self._end, self._stored
        try:
            self._replace(kept)
        except OSError as error:
            log.warning("The spill file %s cannot be cut: %s", self.path, error)
            return
        self._end = end
        self._shift = stored - len(self._header)

    def _replace(self, body: bytes) -> None:
        """Put another file in the place of this one, at once or not at all."""
        fresh = self.path.with_name(self.path.name + ".new")
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            view = memoryview(self._header + body)
            at = 0
            while at < len(view):
                at += os.pwrite(file, view[at:], at)
            os.fsync(file)
            fresh.replace(self.path)
        except OSError:
            os.close(file)
            fresh.unlink(missing_ok=True)
            raise
        os.close(self._file)
        self._file = file
        self._end = self._shift + len(self._header) + len(body)


def _parse(line: bytes, end: int) -> Entry | None:
    try:
        event = json.loads(line)
        droppable = is_droppable(event["type"], event["severity"])
        return Entry(str(event["id"]), line, droppable, spill_end=end)
    except (ValueError, KeyError, TypeError):
        return None
