"""Being an ordinary user. Permissions bind no one else, and in CI the tests run as root."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import pytest

NOBODY = 65534
"""The user, and the group, who owns nothing."""


@contextmanager
def ordinary_user() -> Generator[None]:
    """Be a user whom permissions bind: nobody if this is root, else whoever it is."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def lacking(what: str) -> NoReturn:
    """Skip the test because of something that this machine lacks; CI has it, so there it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI=true")
    pytest.skip(what)
