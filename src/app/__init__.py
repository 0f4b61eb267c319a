"""The composition root: settings, wiring, the command line, the embedded database."""
