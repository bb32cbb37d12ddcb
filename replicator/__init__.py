"""Keeps, schedules and shows: the mailstore, the engine and the commands."""
