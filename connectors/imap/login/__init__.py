"""Logging in: what is said before a session, and how it may end."""
