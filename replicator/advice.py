"""What to do about an error of the operating system, by its number: errno(3)."""

import errno

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ADVICE = {
    errno.EACCES: "look at its owner and permissions, and at the user that runs this",
    errno.EPERM: "look at its owner and permissions, and at the user that runs this",
    errno.ENOENT: "look at the path; is a disk not mounted?",
    errno.ENOTDIR: "something in the path is no directory: correct the path",
    errno.EISDIR: "that is a directory: name a file",
    errno.EEXIST: "name another path",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.EROFS: "the file system is mounted read-only: mount it writable, or name another path",
    errno.ENOSPC: "make room and run it again",
    errno.EDQUOT: "make room within the quota and run it again",
    errno.EFBIG: "raise the limit on the size of files",
    errno.EMFILE: "raise the limit on open files: ulimit -n",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOMEM: "this machine has no memory left",
    errno.EIO: "look at the disk and its cables: the system's log says more",
    errno.ESTALE: "the network file system went away: mount it again",
}


def advice_on(error: OSError) -> str:
    """What to do next; never empty."""
    return _ADVICE.get(error.errno or 0, "mend that and run it again")


def described(error: OSError) -> str:
    """`/path: Permission denied`, without the number that `str` puts before it."""
    reason = error.strerror or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename is not None else reason
