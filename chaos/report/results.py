"""The runs of one call of chaos/run: its list of results, and what each run left in its folder."""

import json
import pathlib

import facts


class Result:
    def __init__(self, line):
        self.name, run, self.status, seconds, seed, folder, self.text = line.split("\t")
        self.run, self.seconds, self.seed, self.folder = int(run), int(seconds), int(seed), pathlib.Path(folder)
        self.output = self._text("output.txt").strip()
        self.skip_reason = self._text("skipped").strip()
        figures = self._text("figures.json")
        self.figures = json.loads(figures) if figures else {}

    @property
    def label(self):
        return self.name if self.run == 1 else f"{self.name} (run {self.run})"

    def figure(self, part, name):
        return self.figures.get(part, {}).get(name)

    def facts(self):
        return facts.Run(self.folder)

    def _text(self, name):
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""


def read(path):
    return [Result(line) for line in pathlib.Path(path).read_text().splitlines()]
