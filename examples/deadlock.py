"""A call that holds the GIL and waits for a thread that needs the GIL.

Neither can go on. `gilscope check --timeout 3` shows the stacks of both threads.
"""

import ctypes
import os
import threading
import time

# PyDLL holds the GIL around a call; CDLL releases it.
libc = ctypes.PyDLL(None)


def report_progress(writer: int) -> None:
    time.sleep(0.1)
    os.write(writer, b"done")


def wait_for_thread() -> None:
    reader, writer = os.pipe()
    thread = threading.Thread(target=report_progress, args=(writer,), daemon=True)
    thread.start()
    libc.read(reader, ctypes.create_string_buffer(4), 4)
    thread.join()
