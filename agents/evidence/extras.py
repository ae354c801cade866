"""What the evidence needs beyond the pipeline: looked for before minutes are spent, named with the remedy."""

from __future__ import annotations

from importlib.util import find_spec

from schemas.errors import RenownError


def require(*modules: str) -> None:
    """Raise RenownError when one of `modules` is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise RenownError(f"{' and '.join(missing)} is not installed: pip install 'renown[evidence]'")
