"""Trust, measured by breaking things: each module does one kind of harm, in the size that it is asked for.

`tests/trust` runs them small, `make trust` at full size; both hold them to the same reach.
"""
