"""The canonical form of what a message says: the same for all its copies, however they were encoded on the way.

docs/fingerprints.md lists what is dropped, and why. Whatever changes here changes fingerprints: raise
`reconcile.fingerprint.VERSION` with it.
"""
