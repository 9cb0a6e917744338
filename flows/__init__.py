"""Dialogues: pure functions without clock, I/O or chance."""
