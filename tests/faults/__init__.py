"""Proofs of the delivery engine: every place of a crash, every short sequence of events, long random ones, and bugs put
in on purpose. See docs/reliability.md.
"""
