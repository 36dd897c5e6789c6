"""Adapters of the ports: the repository on SQL, parts on disk."""
