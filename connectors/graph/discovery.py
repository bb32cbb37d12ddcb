"""Which mailboxes a tenant has, as far as its directory tells: every user who has an address and is no guest.

The directory does not say whether a user has a mailbox here: one on a server of one's own, or one without a licence
whose address stayed, is among them. Opening it tells (`doctor`).
"""

from collections.abc import Iterator

from connectors.errors import ConfigError, LoginRefused
from connectors.graph.answer import Document, as_object
from connectors.graph.client import Client
from connectors.graph.settings import GraphMailbox, GraphSettings
from connectors.graph.translate import About, Asked

USERS = "/users?$top=999&$select=id,mail,userPrincipalName,userType,proxyAddresses"
"""learn.microsoft.com/graph/api/user-list: 999 is the most."""

DENIED = "Authorization_RequestDenied"

PERMIT = (
    "give the application the permission User.Read.All of Microsoft Graph, of the type Application, with admin consent "
    "(Microsoft Entra admin center, App registrations, API permissions); User.ReadBasic.All is not enough. Only this "
    "command needs it, so it may be taken away again"
)


class Everyone(GraphMailbox):
    """Stands for no mailbox: what is asked is about the whole tenant, by the name that its source has for it."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Any name of a tenant will do."""


def list_mailboxes(settings: GraphSettings) -> Iterator[tuple[str, ...]]:
    """Each user's names in lower case: the address, the user principal name, the object id, and further addresses.

    Raises what opening a mailbox does, but ConfigError where the application may not read the directory.
    """
    client = Client(settings, Everyone(settings.tenant))
    try:
        for row in _rows(client):
            if _may_have_mailbox(row):
                yield _names(row)
    finally:
        client.close()


def _rows(client: Client) -> Iterator[Document]:
    asked = Asked(About.MAILBOX, f"tenant {client.address}, listing its users")
    url = client.links.url(USERS)
    while url:
        try:
            document = client.get(url, asked)
        except LoginRefused as error:
            if DENIED in error.message:
                raise ConfigError(error.message, PERMIT) from error
            raise
        rows = document.get("value")
        yield from map(as_object, rows if isinstance(rows, list) else ())
        url = client.links.following(document, url, asked.name)


def _may_have_mailbox(row: Document) -> bool:
    guest = row.get("userType") == "Guest" or "#EXT#" in str(row.get("userPrincipalName"))
    return bool(row.get("mail")) and not guest


def _names(row: Document) -> tuple[str, ...]:
    aliases = row.get("proxyAddresses")
    given = [str(each) for each in aliases] if isinstance(aliases, list) else []
    mail = [each.partition(":")[2] for each in given if each.lower().startswith("smtp:")]
    names = (row.get("mail"), row.get("userPrincipalName"), row.get("id"), *mail)
    return tuple(dict.fromkeys(name.lower() for name in names if isinstance(name, str) and name))
