"""Python imports this when it starts: `gilscope watch` puts it in front of the path.

It takes itself out of the program's sight, starts the watch, and imports the program's
own module of this name.
"""

import json
import os
import sys
from pathlib import Path

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
del sys.modules["sitecustomize"]
# Another one, or none, which Python expects as well.
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
