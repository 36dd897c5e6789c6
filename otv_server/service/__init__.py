"""The use cases, over the ports: sending, opening, sweeping."""
