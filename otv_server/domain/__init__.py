"""Shares, links and openings: states and transitions, limits, errors, ports. No I/O, no clock."""
