"""A stand-in for Twilio, SendGrid and the people they reach: what the official clients talk to in development.

It is the judge of the project: its ledger, written before an answer is, says what was sent once, twice or never.
It imports nothing of `service` or `jobs`, and they import nothing of it. The reasons are in docs/sandbox.md.
"""
