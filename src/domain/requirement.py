"""A requirement (`requires:` of an action): a named condition that refuses when it fails."""

from collections.abc import Callable

from domain.case import Case
from domain.kind import Action
from domain.world import World

Requirement = Callable[[Action, Case, World], None]
"""Raises the Refusal that says what is missing."""
