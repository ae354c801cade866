"""The independent judge: reads a deployment's input and its outcome itself, and says whether they agree.

It shares no code with what it judges, so a mistake in Renown's codec, layout or reader is not repeated here.
"""

from agents.faults.judge.deployment import Deployment
from agents.faults.judge.judge import judge
from agents.faults.judge.verdict import FAULTS, Verdict

__all__ = ["FAULTS", "Deployment", "Verdict", "judge"]
