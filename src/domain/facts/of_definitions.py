"""What a district defines for itself besides kinds: its registers (台账), its indicators (指标)."""

from typing import ClassVar

from domain.facts.shapes import DEFINITION, Fact


class DefinitionPublished(Fact, frozen=True, kw_only=True):
    """发布定义: the YAML source as written; `hash` is of its canonical data."""

    TYPE: ClassVar[str] = "definition-published"
    STREAM: ClassVar[str] = DEFINITION
    sort: str
    """`register` or `indicator`."""
    name: str
    version: str
    hash: str
    source: str


class DefinitionActivated(Fact, frozen=True, kw_only=True):
    """启用定义: this version counts from now on; every older one can still be asked for."""

    TYPE: ClassVar[str] = "definition-activated"
    STREAM: ClassVar[str] = DEFINITION
    sort: str
    name: str
    hash: str


class DefinitionRetired(Fact, frozen=True, kw_only=True):
    """停用定义: it is not kept any more; activating a version takes it into use again."""

    TYPE: ClassVar[str] = "definition-retired"
    STREAM: ClassVar[str] = DEFINITION
    sort: str
    name: str
