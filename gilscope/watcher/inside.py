"""The part of `gilscope watch` that is in the program's process."""

import atexit
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gilscope.watcher.channel import Pipe
from gilscope.watcher.errors import WatchUnavailableError
from gilscope.watcher.model import Hold
from gilscope.watcher.watch import Watch


def begin(settings: Mapping[str, Any]) -> None:
    """Watch this process until it ends, and tell what was seen over a pipe.

    Args:
        settings: `over_s`; the file descriptors `named`, to tell it, and `raw`, where
            the sampler tells its part, also of a process that has died.
    """
    for file in (settings["named"], settings["raw"]):
        os.set_inheritable(file, False)  # noqa: FBT003 - it takes no keyword
    named = Pipe(settings["named"])

    def tell(**content: Any) -> None:
        named.write(json.dumps(content).encode() + b"\n")

    def tell_hold(hold: Hold) -> None:
        tell(kind="named", hold=asdict(hold))

    watch = Watch(settings["over_s"], tell_hold, report_to=settings["raw"])
    try:
        watch.start()
    except WatchUnavailableError as error:
        tell(kind="refused", reason=str(error))
        # The program must not run without the watch that was asked for.
        os._exit(3)
    os.close(settings["raw"])
    # First in, last out: what the program does at its end is watched too.
    atexit.register(watch.stop)
