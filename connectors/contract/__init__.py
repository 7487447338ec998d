"""The suite that every connector passes, installed with the program so that others can run it on theirs.

It is the only part that needs pytest, and nothing of the program imports it. README.md one folder up tells its use.
"""
