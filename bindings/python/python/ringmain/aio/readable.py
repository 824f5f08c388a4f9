"""Waiting for a file descriptor in an event loop."""

from __future__ import annotations

import asyncio
from typing import Protocol


class HasDescriptor(Protocol):
    """What has a file descriptor."""

    def fileno(self) -> int:
        """The descriptor."""
        ...


async def readable(source: HasDescriptor) -> None:
    """Waits until there is something to read."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(source.fileno(), wake)
    try:
        await ready
    finally:
        loop.remove_reader(source.fileno())
