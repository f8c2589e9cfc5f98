"""Python imports this when it starts: `gilscope watch` puts it in front of the path.

It takes itself out of the program's sight, starts the watch, and imports the program's
own module of this name. Until then Ctrl-C ends the process without a traceback.
"""

import signal

interrupt = signal.getsignal(signal.SIGINT)
if interrupt is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import json  # noqa: E402 - it takes a while.
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

settings = json.loads(os.environ.pop("GILSCOPE_WATCH"))
if settings["path"] is None:
    del os.environ["PYTHONPATH"]
else:
    os.environ["PYTHONPATH"] = settings["path"]
sys.path.remove(str(Path(__file__).parent))
sys.path.append(settings["root"])
from gilscope.watcher.launch import begin  # noqa: E402 - it is found only now

sys.path.pop()
begin(settings)
signal.signal(signal.SIGINT, interrupt)
del sys.modules["sitecustomize"]
# Another one, or none, which Python expects as well.
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
