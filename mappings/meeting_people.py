"""Who is who among those invited: the owner, people who have notes, and everybody else. By address, never by name.

Two spellings are one address if their `match_key` is the same. A tag after `+` makes another address: it may be
somebody's own, or a list's, so it only suggests whom it belongs to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from mappings.normalize import email_key, is_email
from mappings.person import Uid
from mappings.record import AccountName

_DOMAINS_BLIND_TO_DOTS = frozenset({"gmail.com"})


@dataclass(frozen=True, slots=True)
class Me:
    """The owner's addresses as keys: all of them, and which one each account is signed in with."""

    addresses: frozenset[str]
    of_account: Mapping[AccountName, str]


@dataclass(frozen=True, slots=True)
class People:
    """Who owns which address, as keys; `shared` ones are owned by several notes and decide nothing."""

    me: Me
    owners: Mapping[str, Uid]
    shared: Mapping[str, frozenset[Uid]]

    def identity(self, address: str) -> str:
        """Return what tells one human from another: his uid, or the address of one without a note."""
        return self.owners.get(address, address)


@lru_cache(maxsize=1 << 16)
def match_key(address: str) -> str:
    """Return what two spellings of an address have in common when it is looked for; "" for none.

    Source: Gmail ignores dots in the local part (support.google.com/mail/answer/7436150); RFC 5890 section 2.3.2.1.
    """
    local, _, domain = email_key(address).rpartition("@")
    if not local:
        return ""
    domain = _ascii_domain(domain)
    return f"{local.replace('.', '') if domain in _DOMAINS_BLIND_TO_DOTS else local}@{domain}"


def me_of(addresses: Iterable[str], of_account: Mapping[AccountName, str]) -> Me:
    """Return the owner: what he calls his own, and the addresses of his accounts."""
    signed_in = {account: match_key(address) for account, address in of_account.items() if address}
    own = {match_key(address) for address in addresses}
    return Me(frozenset(own | set(signed_in.values())) - {""}, signed_in)


def people_of(me: Me, owned: Iterable[tuple[Uid, Iterable[str]]]) -> People:
    """Return who owns what; whatever is no e-mail address, such as a phone number, is left out.

    Shapes: `owned` are all addresses of all notes, former ones and e-mails among the aliases too.
    """
    found: defaultdict[str, set[Uid]] = defaultdict(set)
    for uid, addresses in owned:
        for address in addresses:
            if is_email(address):
                found[match_key(address)].add(uid)
    owners = {address: next(iter(uids)) for address, uids in found.items() if len(uids) == 1}
    return People(me, owners, {address: frozenset(uids) for address, uids in found.items() if len(uids) > 1})


def suggested(people: People, address: str) -> Uid | None:
    """Return the person whose address this is but for the tag after `+`."""
    local, at, domain = address.rpartition("@")
    untagged, plus, _ = local.partition("+")
    if not plus or address in people.owners or address in people.shared:
        return None
    return people.owners.get(match_key(f"{untagged}{at}{domain}"))


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
