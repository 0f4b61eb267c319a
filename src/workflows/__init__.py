"""Kinds of case as data, and the engine: the only writer of cases."""
