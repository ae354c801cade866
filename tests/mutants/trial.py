"""`python trial.py TEST...`: runs property tests of the copy in the working directory; prints the failed ones as JSON.

A test is `module:function`. Examples are drawn the same way every time, and a failing one is not shrunk.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    database=None,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def main(tests: list[str]) -> None:
    """Run `tests` in order; only a failed assertion is a verdict, any other error ends the trial."""
    sys.path.insert(0, ".")
    settings.load_profile("mutants")
    warnings.simplefilter("ignore")
    failed = {}
    for test in tests:
        module, _, function = test.partition(":")
        try:
            getattr(importlib.import_module(f"tests.property.{module}"), function)()
        except AssertionError as error:
            failed[test] = f"{type(error).__name__}: {error}"[:200]
    print(json.dumps(failed))  # noqa: T201 - the answer to the caller


if __name__ == "__main__":
    main(sys.argv[1:])
