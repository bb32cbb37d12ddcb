"""The IMAP Target: appends, changes, folders, quota."""
