"""民情: what people raise again and again, what stays unsolved, what is so everywhere; explained.

- `rule` the rule as data (`rule.yaml`): thresholds, a version, checked when it is read
- `counting` the rule as SQL over `cases`, `deadlines` and `directory`, as of any moment
- `ledger` 民情台账: a ledger that is a query; it keeps no rows of its own
- `likeness` texts that say the same, by the words they share
- `trial` the rule tried on a file of messages
"""
