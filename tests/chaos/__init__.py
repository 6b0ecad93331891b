"""The whole service under faults: killed, frozen, cut off, lied to; and a judge that reads only the evidence.

    python -m tests.chaos --profile ci|nightly|soak --database sqlite|postgresql --seed N

`arena` starts the real processes, `story` fills the database and changes it meanwhile, `nemesis` breaks things,
`evidence` is what they leave behind, `checker` reads that and nothing else, `gates` says what must be zero.
"""
