"""A page for each kind: a diagram of its stages and plain tables. Never the source of anything."""

from pathlib import Path
from typing import Final

from domain.kind import Kind
from workflows import kind_words as w
from workflows.kind_drawing import svg
from workflows.kind_moves import ANYWHERE, EVERYWHERE, MADE, moves, several
from workflows.kind_tables import stages_by_phase, tables

COLOURS: Final[dict[str, str]] = {
    "discovery": "fill:#e3f2fd,stroke:#1565c0,color:#0d2b45",
    "community_response": "fill:#e8f5e9,stroke:#2e7d32,color:#12301a",
    "tiered_response": "fill:#fff8e1,stroke:#b26a00,color:#402a00",
    "joint_handling": "fill:#fce4ec,stroke:#ad1457,color:#401025",
}
GENERATED: Final = f"<!-- 由 bihuan kinds draw --pages 生成，{MADE}。 -->"
MARKS: Final = str.maketrans(':;#"\n', "：；＃” ")
"""What means something in a diagram, and what stands for it there."""


def mermaid(kind: Kind) -> str:
    """Return the stages and the actions between them as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    lines += [f"    {stage.name}: {_label(stage.title)}" for stage in kind.stages.values()]
    lines += _arrows(kind)
    for phase, here in stages_by_phase(kind):
        lines.append(f"    classDef {phase} {COLOURS[phase]}")
        lines.append(f"    class {','.join(stage.name for stage in here)} {phase}")
    return "\n".join(lines)


def _arrows(kind: Kind) -> list[str]:
    named = moves(kind)
    lines = [f"    [*] --> {kind.initial.name}: {_label(kind.report.title)}"]
    if any(source == ANYWHERE for source, _ in named):
        lines.insert(0, f"    {ANYWHERE}: {EVERYWHERE}")
    lines += [
        f"    {source} --> {target}: {_label(several(titles))}"
        for (source, target), titles in named.items()
    ]
    return lines + [f"    {stage.name} --> [*]" for stage in kind.stages.values() if stage.ending]


def _label(text: str) -> str:
    """Return a text without the marks that mean something in a diagram."""
    return text.translate(MARKS)


def page(kind: Kind, *, picture: str = "") -> str:
    """Return the page of a kind: phases, diagram, tables; `picture` is the drawing beside it."""
    phases = "\n".join(
        f"- **{w.PHASE_TITLES[phase]}**：{'、'.join(stage.title for stage in here)}"
        for phase, here in stages_by_phase(kind)
    )
    parts = [
        f"# {kind.title}",
        GENERATED,
        f"事项类型 `{kind.name}`，版本 {kind.version}。",
        "## 四个阶段",
        phases,
        "## 流转图",
        *([f"[用浏览器打开的图（SVG，不联网）]({picture})"] if picture else []),
        f"```mermaid\n{mermaid(kind)}\n```",
    ]
    for table in tables(kind):
        parts += [f"## {table.title}", table.markdown()]
    return "\n\n".join(parts) + "\n"


def index(kinds: list[Kind]) -> str:
    """Return the page that lists all pages."""
    rows = "\n".join(f"- [{kind.title}]({kind.name}.md) `{kind.name}`" for kind in kinds)
    return f"# 事项类型\n\n{GENERATED}\n\n{rows}\n"


def pages(kinds: list[Kind]) -> dict[str, str]:
    """Return all pages and drawings by their file's name."""
    written = {f"{kind.name}.md": page(kind, picture=f"{kind.name}.svg") for kind in kinds}
    drawn = {f"{kind.name}.svg": f"{svg(kind)}\n" for kind in kinds}
    return written | drawn | {"README.md": index(kinds)}


def write_pages(kinds: list[Kind], folder: Path) -> list[Path]:
    """Write the pages, and take away those of kinds that are gone; return what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages(kinds)
    changed: list[Path] = []
    for path in sorted((*folder.glob("*.md"), *folder.glob("*.svg"))):
        if path.name not in wanted and MADE in path.read_text("utf-8"):
            path.unlink()
            changed.append(path)
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed
