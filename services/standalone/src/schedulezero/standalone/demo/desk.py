"""The handler `handler_12345`: small honest work of the kinds that schedulers are given, harmless to run."""

import hashlib
import json
import statistics
import threading
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

_MOST_ENTRIES = 1_000
_TIDES = [1.2, 2.9, 4.1, 3.6, 1.9, 0.8, 1.1, 2.7, 4.3, 3.8]
_TEXT = "Vienna calling: the night train is late, the clock is not."


class Desk:
    """Each method takes any further parameters too, so that it can be tried with whatever comes to mind."""

    def __init__(self) -> None:
        self._done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def do_work(self, **params: Any) -> dict[str, Any]:
        """Take any parameters, and return them with their fingerprint."""
        self._note("do_work")
        text = json.dumps(params, sort_keys=True)
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
        return {"message": params.get("message", "done"), "params": params, "fingerprint": fingerprint}

    def backup(self, source: str = ".", destination: str = "backup", **_: Any) -> dict[str, Any]:
        """Tell what a backup of the directory `source` would copy. Nothing is read, nothing is written."""
        self._note("backup")
        folder = Path(source)
        files = [path for path in islice(folder.iterdir(), _MOST_ENTRIES) if path.is_file()] if folder.is_dir() else []
        size = sum(path.stat().st_size for path in files)
        plan = f"would copy {len(files)} files, {size:,} bytes, from {source} to {destination}"
        return {"files": len(files), "bytes": size, "plan": plan}

    def process(self, text: str = _TEXT, **_: Any) -> dict[str, Any]:
        """Count the words of a text."""
        self._note("process")
        words = text.split()
        return {"words": len(words), "characters": len(text), "longest": max(words, key=len, default="")}

    def analyze(self, values: list[float] = _TIDES, **_: Any) -> dict[str, Any]:
        """Return the statistics of some numbers; without any, those of a day's tides."""
        self._note("analyze")
        if not values:
            raise ValueError("values is empty; give at least one number")
        return {
            "count": len(values),
            "least": min(values),
            "most": max(values),
            "mean": round(statistics.fmean(values), 6),
            "median": statistics.median(values),
            "deviation": round(statistics.pstdev(values), 6),
        }

    def report(self, title: str = "Since the start", **_: Any) -> dict[str, Any]:
        """Sum up what this handler has done since it was started."""
        self._note("report")
        with self._lock:
            done = dict(self._done.most_common())
        text = ", ".join(f"{count} x {name}" for name, count in done.items())
        return {"title": title, "runs": sum(done.values()), "text": text}

    def _note(self, method: str) -> None:
        with self._lock:
            self._done[method] += 1
