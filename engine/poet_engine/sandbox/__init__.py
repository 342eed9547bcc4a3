"""Sandboxes: the isolated places where generated code runs."""
