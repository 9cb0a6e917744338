"""Measures the desk against a hand-made floor on the same machine, in the same run."""
