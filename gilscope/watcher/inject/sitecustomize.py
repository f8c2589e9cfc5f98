"""Python imports this when it starts: `gilscope watch` puts it in front of the path.

It takes itself out of the program's sight, starts the watch, and imports the program's
own module of this name. Until then Ctrl-C ends the process without a traceback.
Subinterpreters import it too, once the watch has begun.
"""

import os
import sys

sys.path.remove(os.path.dirname(__file__))  # noqa: PTH120 - nothing more is imported.
if "GILSCOPE_WATCH" in os.environ:
    import signal

    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    import json

    settings = json.loads(os.environ.pop("GILSCOPE_WATCH"))
    if settings["path"] is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = settings["path"]
    sys.path.append(settings["root"])
    from gilscope.watcher.launch import begin

    sys.path.pop()
    begin(settings)
    signal.signal(signal.SIGINT, interrupt)
del sys.modules["sitecustomize"]
# Another one, or none, which Python expects as well.
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
