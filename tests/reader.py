"""Dovecot as an independent reader of files that are ours: its imap process over a copy of them."""

import imaplib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fixtures.servers.dovecot import DIE_WITH_US

READER = """
protocols = imap
base_dir = {root}/run
log_path = {root}/log
ssl = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = {location}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@contextmanager
def reading(output: Path, location: str) -> Iterator[imaplib.IMAP4]:
    """Dovecot's imap process, on its standard streams and without a login, over a copy, for it writes too."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    root = Path(tempfile.mkdtemp(prefix="reader-", dir="/tmp"))
    try:
        shutil.copytree(output, root / "mail")
        (root / "conf").write_text(READER.format(root=root, location=location.format(mail=root / "mail")))
        root.chmod(0o755)
        if os.geteuid() == 0:
            for path in (root, *root.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)
        become = "setpriv --reuid=nobody --regid=nogroup --clear-groups" if os.geteuid() == 0 else ""
        whose = f"env -i USER={account.pw_name} HOME={root}"
        program = next(
            path for path in map(Path, ("/usr/lib/dovecot/imap", "/usr/libexec/dovecot/imap")) if path.exists()
        )
        client = imaplib.IMAP4_stream(
            f"exec {' '.join(DIE_WITH_US)} {become} {whose} {program} -c {root}/conf 2>{root}/err"
        )
        try:
            yield client
        finally:
            client.logout()
    finally:
        shutil.rmtree(root)
