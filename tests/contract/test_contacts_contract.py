"""The suite for connectors to contacts, on every book of ours; `conftest.py` has them."""

from connectors.contract.test_contacts import *  # noqa: F403  # pytest runs what it finds in a module's names
