"""`python -m agents.faults.judge`: prints the verdict on a deployment at rest; ends with 1 unless it is exact."""

from __future__ import annotations

import argparse
import json
import sys

from agents.faults.judge import Deployment, judge


def main() -> int:
    """Judge the deployment that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m agents.faults.judge", description=__doc__)
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    parser.add_argument("--redis-url", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--prefix", default="renown")
    parser.add_argument("--redis-prefix", help="prefix of Redis keys  [default: the other prefix]")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--poisoned", nargs="*", default=[], help="ids whose pricing is known to fail")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    redis_prefix = told.redis_prefix or told.prefix
    deployment = Deployment(told.bootstrap, told.redis_url, told.prefix, redis_prefix, told.partitions)
    verdict = judge(deployment, poisoned=frozenset(told.poisoned))
    sys.stdout.write((json.dumps(verdict.document()) if told.json else verdict.text()) + "\n")
    return 0 if verdict.exact else 1


if __name__ == "__main__":
    sys.exit(main())
