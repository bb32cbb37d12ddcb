"""Speaks to mail systems, and knows no store. docs/connectors.md says how to write another."""
