"""What makes the golden values: a module a family of cases, and what the families share.

Nothing here does anything when it is imported: ../make_golden.py reads the options, prepares the
process and calls the `make` of each family with a `Generation`.
"""
