"""Compares and decides. Pure: no network, no store."""
