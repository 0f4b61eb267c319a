"""登记台账: registers as data, one YAML file each, compiled into ledgers like those in code.

- `disputes` 矛盾纠纷排查台账, `campaigns` 专项行动台账, `hazards` 隐患台账
- `buildings` 弃管楼院台账, `pairings` 结对帮扶登记, `claims` 认领台账
- `patrols` 巡查走访台账, `disclosures` 公开台账, `wall-chart` 挂图督导, `seals` 印章使用台账

`text` is the shape of the file; `sources` and `plan` look its columns up among the facts, `forms`
among what kinds record; `checking` says what is wrong; `folding`, `summaries` and `compiling` make
the ledger; `language` puts all of it together; `building` makes tables; `district` knows which
ledgers a district has; `previewing` shows what a text would list.
"""
