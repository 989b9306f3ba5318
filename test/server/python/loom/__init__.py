"""Stands for the client library of another system that has our package's name."""

OWNER = "somebody else's"
