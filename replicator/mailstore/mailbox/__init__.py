"""One mailbox's encrypted database: folders, items, versions, placements with their history, cursors, quarantine."""
