"""The Graph Target: appends, changes, folders."""
