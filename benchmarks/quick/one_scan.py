"""The daemon until its queue is empty; says each photograph's hash once the scan's row has it. For `traced`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.quick.farm import QuickCell, run_until_idle
from scan.plan import Plan
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import ViewRecord


class TalkingCell(QuickCell):
    """Says what has been taken, as `capture` hands it on."""

    def photographs(self, plan: Plan, folder: ScanFolder, scan: str) -> Iterator[ViewRecord]:
        for record in super().photographs(plan, folder, scan):
            print(record.sha256, flush=True)
            yield record


if __name__ == "__main__":
    place = DataFolder(Path(sys.argv[1]))
    run_until_idle(place, TalkingCell(place, int(sys.argv[2])))
