"""Who is asking: the role and unit of a key, and the person and post behind it where known."""

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """What a key may be used for; the kinds say which role may take which action."""

    ADMIN = "admin"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    DASHBOARD = "dashboard"
    GRID_WORKER = "grid_worker"
    COMMUNITY_OFFICER = "community_officer"
    TOWN_OFFICER = "town_officer"
    DEPARTMENT_OFFICER = "department_officer"
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    LEADER = "leader"
    IMPORTER = "importer"
    """The import command; never issued as a key."""
    TIMER = "timer"
    """What time brings by itself; never issued as a key."""


class Actor(Struct, frozen=True, kw_only=True):
    """Who acts: permanent ids only, never a name. `unit` absent: the district's centre itself."""

    role: Role
    unit: str | None = None
    post: str | None = None
    person: str | None = None
    on_behalf_of: str | None = None
    within: tuple[str, ...] = ()
    """The units in which `unit` lies, from the root to itself, where known: for recusal (回避)."""
    shared: frozenset[str] = frozenset()
    """Units that stand under `unit` by a second parent (条线) today: their cases are seen too.

    From the directory at each request, so that neither facts nor ledgers know of it.
    """

    @property
    def scope(self) -> str | None:
        """The unit whose tree, and whose own work, the actor may see; absent: the district."""
        return self.unit
