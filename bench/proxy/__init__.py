"""How fast the sidecar is, beside what a user would pick instead."""
