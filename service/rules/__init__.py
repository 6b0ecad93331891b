"""Decisions: pure functions and small frozen values. No I/O, no clock: `now` is passed in, instants are aware UTC."""
