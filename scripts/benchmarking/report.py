"""The report: a table in Markdown, the charts, and everything measured as JSON."""

import json
import os
import platform
import time

from . import chart
from .models import MODELS
from .results import RATIOS, READING_ORDER, SAMPLING_RATIOS, TITLES

COMPUTING = ["rondo 0", "rondo 1", "rondo 2"]
PROCESSES = {"rondo 0": "one process", "rondo 1": "1 worker", "rondo 2": "2 workers"}
COLOURS = {
    "Rondo, server + 2 workers": "#0b6e99", "Rondo, server + 1 worker": "#4ba3c3", "Rondo, one process": "#9fd0e3",
    "PyTorch DDP, 2 processes": "#c8553d", "PyTorch, 2 threads": "#e08e45", "PyTorch, 1 thread": "#f2c08f",
    "MXNet dist_sync, 2 workers": "#8a8f98",
}


def number(value, decimals=0):
    return "–" if value is None else f"{value:,.{decimals}f}"


def percent(share):
    return "–" if share is None else f"{100 * share:.1f} %"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def processor_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


class Report:
    """Writes `results.md`, `results.json` and the charts of some results into a folder."""

    def __init__(self, folder, results, models, contestants, command):
        self.folder, self.results, self.models, self.command = folder, results, models, command
        self.contestants = sorted((key for key, _, _ in contestants), key=READING_ORDER.index)
        self.machine = f"{processor_name()}, {os.cpu_count()} cores, {platform.system()}"
        self.date = time.strftime("%Y-%m-%d")

    def write(self, rounds):
        """All files anew; returns the Markdown."""
        markdown = "\n".join(self.markdown(rounds)) + "\n"
        self._save("results.md", markdown)
        samples = [
            dict(sample, model=model, contestant=key) for (model, key), taken in self.results.samples.items()
            for sample in taken
        ]
        self._save("results.json", json.dumps({
            "date": self.date, "machine": self.machine, "command": self.command, "peak": self.results.peak,
            "peaksAtOnce": self.results.peaks_at_once, "samples": samples, "problems": self.results.problems,
        }, indent=1))
        for name, content in self.charts():
            self._save(name, content)
        return markdown

    def _save(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(path + ".part", path)

    # Text

    def markdown(self, rounds):
        results = self.results
        lines = [
            f"# Benchmark of {self.date}", "",
            f"{self.machine}. Multiply-add peak of one core {number(results.peak and results.peak * 1e-9, 1)} GF/s"
            + (f", of {len(results.peaks_at_once)} at once "
               + " + ".join(number(peak * 1e-9, 1) for peak in results.peaks_at_once) if results.peaks_at_once else "")
            + f". Medians of {rounds} round{'s' if rounds != 1 else ''} of `{self.command}`"
            + (f", against {', '.join(results.versions)}" if results.versions else "") + ".", "",
            "Tokens a second of whole training steps: forward, backward, clip, Adam. GF/s by the usual count, "
            "6 · tokens · weights of the products; percent of the peak of the cores that compute.", "",
        ]
        lines += self.speeds()
        for part in [self.ratios(), self.sampling(), self.times("worker"), self.times("server")]:
            lines += [""] + part if part else []
        if results.problems:
            lines += ["", "## Notes", ""] + [f"- {problem}" for problem in results.problems]
        return lines

    def speeds(self):
        rows = []
        for model in self.models:
            for key in self.contestants:
                rate = self.results.rate(model, key)
                rows.append([
                    f"{model.title}: {TITLES[key]}", number(self.results.tokens_per_second(model, key)),
                    number(rate and rate * 1e-9, 1), percent(self.results.share_of_peak(model, key))])
        return table(["model", "tokens/s", "GF/s", "of peak"], rows) if rows else []

    def ratios(self):
        head = ["Rondo against"] + [model.title for model in self.models]
        rows = []
        for key, other in RATIOS:
            found = [self.results.ratio(model, key, other) for model in self.models]
            if any(found):
                rows.append([f"{TITLES[key]} / {TITLES[other]}"]
                            + [f"{ratio[0]:.2f}" if ratio else "–" for ratio in found])
        return ["## Ratios of tokens/s, within one round", ""] + table(head, rows) if rows else []

    def sampling(self):
        rows = []
        for model in MODELS:
            for key, other in SAMPLING_RATIOS:
                ours = self.results.tokens_per_second(model, key)
                ratio = self.results.ratio(model, key, other)
                if ours is not None:
                    rows.append([
                        f"{model.title.split(',')[0]}, {key.split()[-1]} at once", number(ours),
                        number(self.results.tokens_per_second(model, other)), f"{ratio[0]:.2f}" if ratio else "–"])
        head = ["generation, tokens/s on one core", "Rondo", "PyTorch", "ratio"]
        return ["## Sampling", ""] + table(head, rows) if rows else []

    def times(self, side):
        title, of_whom = {
            "worker": ("Where a worker's time goes", ", the mean of the workers"),
            "server": ("Where the server's time goes", ""),
        }[side]
        lines = []
        for model in self.models:
            columns = {key: self.results.activities(model, key, side) for key in COMPUTING}
            columns = {key: column for key, column in columns.items() if column}
            if not columns:
                continue
            rows = []
            for name in dict.fromkeys(name for column in columns.values() for name in column):
                cells = [column.get(name, (0, 0)) for column in columns.values()]
                if any(share > 0.0005 for _, share in cells):
                    rows.append([name] + [f"{value:.2f} ms, {100 * share:.1f} %" if share else "–"
                                          for value, share in cells])
            head = [model.title] + [PROCESSES[key] for key in columns]
            lines += [""] + table(head, rows)
        explanation = (
            f"Wall time a step{of_whom}. A process that must share its core has the other's time in its own; "
            "*processor time* is what all of its threads really used.")
        return [f"## {title}", "", explanation] + lines if lines else []

    # Charts

    def charts(self):
        """Names and contents."""
        subtitle = f"{self.machine}, {self.date}"
        groups = []
        for model in self.models:
            shares = [(TITLES[key], self.results.share_of_peak(model, key)) for key in self.contestants]
            groups.append((model.title, [(name, share and 100 * share) for name, share in shares]))
        if any(value for _, bars in groups for _, value in bars):
            yield "peak.svg", chart.grouped_bars(
                "Whole training steps, in percent of the arithmetic peak", subtitle,
                "percent of the fused multiply-add peak of the cores that compute", groups, unit=" %", decimals=0,
                colours=COLOURS)
        groups = [
            (model.title, [
                (TITLES[key], ratio[0] if (ratio := self.results.ratio(model, key, "pytorch --processes 2")) else None)
                for key in ["rondo 2", "pytorch --processes 2", "pytorch --threads 2", "mxnet --workers 2"]])
            for model in self.models
        ]
        if "pytorch --processes 2" in self.contestants and any(value for _, bars in groups for _, value in bars):
            yield "peers.svg", chart.grouped_bars(
                "Training speed on two cores, relative to PyTorch DDP", subtitle,
                "tokens a second, PyTorch DDP with two processes = 1", groups, unit="×", decimals=2, colours=COLOURS,
                reference=1)
        groups = []
        for model in self.models:
            bars = [
                (PROCESSES[key], [(name, 100 * share) for name, (_, share) in activities.items()
                                  if name != "processor time"])
                for key in COMPUTING if (activities := self.results.activities(model, key, "worker"))
            ]
            if bars:
                groups.append((model.title, bars))
        if groups:
            yield "time.svg", chart.stacked_bars(
                "Where the time of a training step goes", subtitle, "percent of a step, mean of the workers", groups,
                unit=" %")
