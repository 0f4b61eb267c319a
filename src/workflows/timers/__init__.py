"""Timers (计时点): what time will bring to open clocks, and who lets it happen (clocks.md R14).

- `arrays.py`: whole columns as one parameter
- `fold.py`: what a batch of facts does to the plans of clocks
- `table.py`: the tables `timer` and `open_clock`, kept by the shared runner
- `claims.py`: due rows held by one worker, incidents, where all of it stands
- `worker.py`: claims what is due, settles the cases, on the engine's event loop
"""
