"""What a run's status says over time."""

import contextlib
import json
import time


class Watch:
    """What `rondo monitor --json` says of a run, with the time at which it said so."""

    def __init__(self):
        self.looks = []
        self.step = self.step_max = 0
        self.last_news = time.monotonic()

    def follow(self, stream):
        """Reads looks until the monitor ends; on a thread of its own."""
        for line in stream:
            with contextlib.suppress(ValueError):
                self.note(json.loads(line), time.monotonic())

    def note(self, look, now):
        if (look["step"], look["phase"]) != (self.step, self.looks[-1][1]["phase"] if self.looks else ""):
            self.last_news = now
        self.step = look["step"]
        self.step_max = max(self.step_max, self.step)
        self.looks.append((now, look))

    def speed(self):
        """Steps a second between the first and the last look in training."""
        trained = [(now, look["step"]) for now, look in self.looks if look["step"] > 0]
        if len(trained) < 2 or trained[-1][0] == trained[0][0]:
            return 0.0
        return (trained[-1][1] - trained[0][1]) / (trained[-1][0] - trained[0][0])
