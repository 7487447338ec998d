"""The running program: reads both sides, lets `mappings` decide, does it, and records it."""
