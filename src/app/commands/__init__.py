"""The commands of `bihuan`, one sub-application per file."""
