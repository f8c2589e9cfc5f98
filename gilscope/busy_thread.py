"""A Python thread that computes beside others, and how fast it gets on."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Self

from gilscope.kernel import open_core_wait


class Companion:
    """A thread that counts while it is told to, and sleeps in between.

    It is plain Python code: it wants the GIL all the time, and gives it away only when
    the interpreter makes it, once in a switch interval.
    """

    def __init__(self) -> None:
        """Prepare the thread; `__enter__` starts it."""
        self.speed = 0.0
        self._is_computing = self._is_ending = False
        # Released to let it begin, and by it when it has begun and when it has ended.
        self._gate, self._began, self._ended = (threading.Lock() for _ in range(3))
        for lock in (self._gate, self._began, self._ended):
            lock.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Start the thread, asleep."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._is_ending = True
        self._gate.release()
        self._thread.join()

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """Let it compute meanwhile; `speed` is known afterwards."""
        self._is_computing = True
        self._gate.release()
        self._began.acquire()
        try:
            yield
        finally:
            self._is_computing = False
            self._ended.acquire()

    def measure_alone(self, seconds: float) -> float:
        """Return how far it gets in a second with nothing beside it."""
        with self.computing():
            time.sleep(seconds)
        return self.speed

    def _run(self) -> None:
        with open_core_wait() as read_core_wait_s:
            while True:
                self._gate.acquire()
                if self._is_ending:
                    return
                self._began.release()
                waited_s = read_core_wait_s()
                started = time.perf_counter()
                # Never 0, however soon it is told to stop: others divide by its speed.
                count = 1
                while self._is_computing:
                    count += 1
                elapsed_s = time.perf_counter() - started
                waited_s = read_core_wait_s() - waited_s
                # The wait may have begun before the clock was read.
                self.speed = count / max(elapsed_s - waited_s, elapsed_s / 100)
                self._ended.release()
