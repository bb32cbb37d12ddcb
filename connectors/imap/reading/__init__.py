"""The IMAP Source: listing, changes, bodies."""
