# SPDX-License-Identifier: Apache-2.0
"""`python -m relocate.demo.traffic --config FILE`: send a UE's traffic until told to stop."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from relocate.demo.traffic.control import check_stdin
from relocate.demo.traffic.plan import TrafficPlan
from relocate.demo.traffic.process import complain, run_traffic


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 after a stop, 2 when the configuration makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m relocate.demo.traffic", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="JSON, see TrafficPlan")
    path: Path = parser.parse_args(arguments).config
    try:
        plan = TrafficPlan.model_validate_json(path.read_bytes())
        if plan.control == "stdin":
            check_stdin()
    except (OSError, ValueError) as error:
        complain(f"{path}: {error}")
        return 2
    uvloop.run(run_traffic(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
