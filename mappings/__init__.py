"""Pure rules: text and records in, values out.

No clock, randomness, file, network or log is touched here; "now" and new ids are arguments.
"""
