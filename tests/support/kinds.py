"""A small kind of case and its next version, for tests of what becomes of cases between them."""

from typing import Final

REPAIR: Final = """\
dsl: case/1
document: {name: repair, version: 1.0.0, title: 维修}
roles:
  intake: {title: 受理渠道, held_by: [integrator], from: district}
  desk: {title: 值班员, held_by: [dispatcher], from: district}
stages:
  received: {title: 已收到, phase: discovery, initial: true}
  process: {title: 处理中, phase: joint_handling}
  parked: {title: 已搁置, phase: joint_handling}
  done: {title: 已办结, phase: joint_handling, ending: true}
report: {title: 报修, by: [intake], holder: centre}
actions:
  begin:
    {title: 开始处理, in: [received, parked], by: [desk], emits: [handling-started], to: process}
  park: {title: 搁置, in: [process], by: [desk], emits: [note-recorded], to: parked}
  note:
    title: 记录进展
    in: open
    by: [desk]
    form: {note: {title: 进展, type: text, required: true}}
    emits: [note-recorded]
  grade:
    title: 分级
    in: [process]
    by: [desk]
    form:
      severity: {title: 严重程度, type: choice, values: [general, major], required: true}
    emits: [case-graded]
  finish:
    title: 办结
    in: [process]
    by: [desk]
    form: {note: {title: 说明, type: text}}
    emits: [case-closed]
    set: {grade: substantive, outcome: closed}
    to: done
clocks:
  total:
    title: 总时限
    total: true
    start: [case-reported]
    stop: [case-closed]
    budget: 10wd
    calendar: cn-office
  handling:
    title: 办理时限
    start: [handling-started]
    stop: [case-closed]
    budget: {by: severity, general: 5wd, major: 8wd, default: 5wd}
    calendar: cn-office
"""
"""Received, in process, perhaps parked, done."""

MIGRATION: Final = """\
migration:
  from:
    1.0.x:
      stages: {process: handling, parked: handling}
      clocks: {handling: restart}
      start: {watch: [handling]}
"""
"""How cases of the first version pass to the second."""


def next_version(migration: str = MIGRATION, version: str = "2.0.0") -> str:
    """Return the second version: `process` is `handling`, nothing is parked, a clock is new."""
    text = REPAIR.replace("version: 1.0.0", f"version: {version}")
    text = text.replace("  parked: {title: 已搁置, phase: joint_handling}\n", "")
    text = text.replace(
        "  park: {title: 搁置, in: [process], by: [desk], emits: [note-recorded], ", ""
    )
    text = text.replace("to: parked}\n", "").replace("[received, parked]", "[received]")
    text = text.replace("process", "handling").replace("general: 5wd", "general: 3wd")
    watch = """\
  watch:
    title: 关注时限
    start: [case-graded]
    stop: [case-closed]
    budget: 2wd
    calendar: cn-office
"""
    return text + watch + migration
