"""Notices (通知) on their way to the channel: sent outside the log, with every outcome in it.

- `channel.py`: where notices are sent, when not, and the secret that signs them
- `table.py`: the table `delivery`, kept by the shared runner: notices without an outcome
- `claims.py`: rows held by one worker, when a failed one is tried again, where all of it stands
- `message.py`: what is sent of a notice, and how a channel answers
- `worker.py`: claims what may be sent, sends it, records what became of it
"""
