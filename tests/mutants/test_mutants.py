"""Tests of the tests: every law is seen to fail under a fault made for it, and to hold without."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.mutants.catalogue import MODULES, MUTANTS, NOT_ABOUT_THE_MODEL
from tests.mutants.copies import ROOT, copied, failures, substituted

_LAW = re.compile(r"[Ll]aw (\d+b?)")
_LAWS = re.compile(r"laws? ((?:\d+b?(?:, | and | to )?)+)")


def _trees() -> dict[str, ast.Module]:
    found = {module: ast.parse((ROOT / "tests" / "property" / f"{module}.py").read_text()) for module in MODULES}
    assert all(found.values())
    return found


def _tests() -> dict[str, str]:
    """Return the docstring of every property test."""
    return {
        f"{module}:{node.name}": ast.get_docstring(node) or ""
        for module, tree in _trees().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _claimed() -> set[str]:
    """Return the numbers of the laws that modules and tests say they test."""
    found = set()
    for tree in _trees().values():
        for span in _LAWS.findall((ast.get_docstring(tree) or "").lower()):
            words = re.findall(r"\d+b?|to", span)
            for i, word in enumerate(words):
                found |= {str(n) for n in range(int(words[i - 1]), int(words[i + 1]))} if word == "to" else {word}
    return found | {law for text in _tests().values() for law in _LAW.findall(text)}


def test_every_law_and_every_property_test_has_a_mutant() -> None:
    """A law without a fault that breaks it may be a test that cannot fail."""
    assert {"1", "2", "3", "3b", "4", "5", "6", "7", "9", "10", "12", "13"} <= _claimed()
    assert {law for mutant in MUTANTS.values() for law in mutant.laws if law} == _claimed()
    killers = {test for mutant in MUTANTS.values() for test in mutant.killed_by}
    assert killers == set(_tests()) - NOT_ABOUT_THE_MODEL


def test_a_mutant_of_a_law_is_killed_by_a_test_of_that_law() -> None:
    """The number in the catalogue is the number in the test."""
    texts = _tests()
    for name, mutant in MUTANTS.items():
        for law in filter(None, mutant.laws):
            told = [text for test in mutant.killed_by for text in (texts[test], ast.get_docstring(_module(test)) or "")]
            assert any(re.search(rf"[Ll]aws? .*\b{law}\b|[Ll]aw {law}\b", text) for text in told), name


def _module(test: str) -> ast.Module:
    return _trees()[test.partition(":")[0]]


def test_without_a_fault_every_property_holds(tmp_path: Path) -> None:
    """Else the failures under a mutant would say nothing; run the way mutants are run."""
    assert failures(copied(tmp_path), sorted(_tests())) == {}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_seen_by_its_law(tmp_path: Path, name: str) -> None:
    """Each test that the catalogue names fails under the mutant."""
    mutant = MUTANTS[name]
    folder = copied(tmp_path)
    substituted(folder, mutant.file, mutant.old, mutant.new)
    assert set(failures(folder, list(mutant.killed_by))) == set(mutant.killed_by)
