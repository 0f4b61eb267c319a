"""HTTP: who is asking, what they may see, problems, routes."""
