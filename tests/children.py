"""What runs in the child processes of the tests: it imports nothing that takes long."""

import os
import random
import resource
import sys
import threading
import time
from contextlib import suppress

from gilscope.channel import Channel


def answer_orders(channel: Channel) -> None:
    """Double each order."""
    channel.send(channel.order)
    while (order := channel.receive()) is not None:
        channel.send(2 * order)


def hang_shortly(channel: Channel) -> None:
    """Go on until a time limit that the parent does not know."""
    channel.limit(0.2)
    time.sleep(3600)


def hang(channel: Channel) -> None:
    """Tell that it is there, and never end."""
    channel.send("there")
    threading.Event().wait()


def close_all(channel: Channel) -> None:
    """Close every descriptor, and go on."""
    os.closerange(3, 5000)
    channel.send("closed")
    channel.send([channel.were_fds_closed(), "x" * 100_000])
    channel.exit()


def close_one(channel: Channel) -> None:
    """Close one descriptor that nobody had opened."""
    channel.occupy_small_fds()
    channel.send("ready")
    os.close(channel.order)
    channel.send("closed")
    channel.send(channel.were_fds_closed())
    channel.exit()


def open_all(channel: Channel) -> None:
    """Use up all descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    files = []
    try:
        while True:
            files.append(os.dup(2))
    except OSError as error:
        channel.send(error.strerror)
    channel.send("again")
    channel.exit()


def forge(channel: Channel) -> None:
    """Write a message to every descriptor but those of the standard streams."""
    channel.occupy_small_fds()
    for fd in range(3, 1024):
        with suppress(OSError):
            os.write(fd, b'\n"forged"\n')
    channel.send("real")
    channel.exit()


def damage(channel: Channel) -> None:
    """Tell something; before it close a descriptor, and meanwhile write to any."""
    source = random.Random(channel.order)
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                os.write(source.randrange(3, 300), source.randbytes(20) + b"\n")

    channel.occupy_small_fds()
    thread = threading.Thread(target=write)
    thread.start()
    for number in range(200):
        with suppress(OSError):
            os.close(source.randrange(3, 300))
        channel.send(f"{number}" * 1000)
    is_over.set()
    thread.join()
    channel.exit()


def live_on(channel: Channel) -> None:
    """Give a sign of life three times, each after a part of the time limit."""
    for _ in range(3):
        time.sleep(channel.order)
        channel.send("alive")
    threading.Event().wait()


def look(channel: Channel) -> None:
    """Tell where modules come from, before and after the user's may."""
    before = [entry for entry in sys.path if entry == channel.order]
    channel.use_search_path()
    import mine_alone  # noqa: PLC0415 - it is there only now.

    channel.send([before, sys.path[0], mine_alone.__file__])


def leave_thread(channel: Channel) -> None:
    """Leave a thread and a function that keep the interpreter from ending."""
    import atexit  # noqa: PLC0415

    threading.Thread(target=threading.Event().wait).start()
    atexit.register(time.sleep, 60)
    channel.send("done")
    channel.exit()
