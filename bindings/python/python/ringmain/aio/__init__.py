"""The asyncio side: what waits in `ringmain` as coroutines, and a queue that threads and event loops share."""

from ringmain.aio.consumer import AsyncConsumer
from ringmain.aio.member import AsyncMember
from ringmain.aio.reader import AsyncReader
from ringmain.aio.stream import AsyncStream
from ringmain.aio.task_queue import AsyncTaskQueue

__all__ = ["AsyncConsumer", "AsyncMember", "AsyncReader", "AsyncStream", "AsyncTaskQueue"]
