"""The asyncio side: what waits in `ringmain` as coroutines, and a queue that threads and event loops share."""

from ringmain.aio.consumer import AsyncConsumer
from ringmain.aio.task_queue import AsyncTaskQueue

__all__ = ["AsyncConsumer", "AsyncTaskQueue"]
