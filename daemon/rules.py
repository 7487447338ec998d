"""A name for the rules under which an account is kept in step, so that a change of the configuration is noticed.

Another `uid_key`, profile or `[vault] people` makes other people of the same notes, another rule or direction may move
a field of everybody at once. None of that is anybody's edit. So a run under other rules than the account's last one
counts as a first run: its plan, if there is any, waits to be seen. Limits are left out, as they move nothing.
"""

from hashlib import blake2s

from daemon.setup import Account, Setup


def rules_key(account: Account, setup: Setup) -> str:
    """Return a name of all rules that decide what an account and the notes are told, the same in every process."""
    notes = setup.rules
    created = sorted(notes.profile.created_as.items())
    of_notes = (notes.profile.name, created, notes.people_globs, notes.uid_key, notes.template_folders)
    policies = sorted((name, policy.rule.value, policy.direction.value) for name, policy in account.policies.items())
    of_account = (
        policies,
        account.new_contacts.value,
        account.delete_with_note,
        account.name in setup.new_notes.contacts,
    )
    return blake2s(repr((of_notes, of_account)).encode(), digest_size=8).hexdigest()
