"""Passwords come from where the configuration says, whole or not at all, and no error tells one."""

import os
import sys
import threading
from pathlib import Path

import keyring
import keyring.errors
import pytest

from connectors import secrets
from connectors.errors import SignInNeeded
from connectors.secrets import FromCommand, FromCredential, FromFile, FromKeyring, secret, source_of
from mappings.record import AccountName

HOME = AccountName("home")
WORD = "correct horse; ü"


class Ring:
    """A keyring in memory, which may be locked."""

    word: str | None = WORD
    is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.InitError("Prompt dismissed")
        return self.word if (service, username) == ("contactd", "home") else None


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    ring = Ring()
    monkeypatch.setattr(keyring, "get_password", ring.get_password)
    return ring


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def said(source: secrets.Source) -> str:
    with pytest.raises(SignInNeeded) as caught:
        secret(HOME, source)
    assert "contactd auth" not in str(caught.value)
    assert WORD not in repr(caught.value.__cause__) + str(caught.value)
    return str(caught.value)


def prints(text: str, then: str = "") -> FromCommand:
    return FromCommand((sys.executable, "-c", f"print({text!r}); {then}"))


def test_a_command_prints_it_in_its_first_line() -> None:
    assert secret(HOME, prints(f"{WORD}\nuser: me")) == WORD


def test_a_command_is_run_without_a_shell() -> None:
    assert secret(HOME, FromCommand(("echo", "$HOME; echo `id`"))) == "$HOME; echo `id`"


def test_a_command_that_fails_is_told_by_its_code_alone() -> None:
    assert "accounts.home.password_command failed with exit code 3" in said(prints(WORD, "import sys; sys.exit(3)"))
    assert "cannot be run (No such file or directory)" in said(FromCommand(("/no/such/program", WORD)))
    assert "its password is empty" in said(prints(""))


def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_S_MAX", 0.2)
    assert "did not end within" in said(prints(WORD, "import sys, time; sys.stdout.flush(); time.sleep(60)"))


def test_bytes_that_are_no_text_are_no_password() -> None:
    assert "is not UTF-8" in said(FromCommand((sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\xff')")))


def test_a_file_of_the_owners_alone_has_it_in_its_first_line(tmp_path: Path) -> None:
    assert secret(HOME, FromFile(private(tmp_path / "word", f"{WORD}\r\n"))) == WORD


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "word", WORD)
    path.chmod(mode)
    assert f"chmod 600 {path}" in said(FromFile(path))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(private(tmp_path / "word", WORD))
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "cannot be read" in said(FromFile(tmp_path / "link"))
    assert "cannot be read (No such file or directory)" in said(FromFile(tmp_path / "nothing"))
    assert "is no plain file" in said(FromFile(tmp_path / "pipe"))


def test_systemd_hands_a_credential_to_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "not started by it" in said(FromCredential("dav"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "add LoadCredential=dav:PATH" in said(FromCredential("dav"))
    (tmp_path / "dav").write_text(f"{WORD}\n")
    assert secret(HOME, FromCredential("dav")) == WORD


def test_the_keyring_has_it_under_the_accounts_name(ring: Ring) -> None:
    assert secret(HOME, FromKeyring()) == WORD
    ring.word = None
    assert "`keyring set contactd home`" in said(FromKeyring())
    ring.is_locked = True
    assert "the keyring does not answer" in said(FromKeyring())


def test_a_keyring_that_waits_for_somebody_is_not_waited_for(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(secrets, "KEYRING_S_MAX", 0.05)

    def waiting(service: str, username: str) -> str | None:
        released.wait(60)
        return Ring.get_password(ring, service, username)

    monkeypatch.setattr(keyring, "get_password", waiting)
    assert "does not answer" in said(FromKeyring())
    released.set()


def test_one_source_is_configured_at_most(tmp_path: Path) -> None:
    assert source_of((), None, "") == FromKeyring()
    assert source_of(("pass", "dav"), None, "") == FromCommand(("pass", "dav"))
    assert source_of((), tmp_path, "") == FromFile(tmp_path)
    assert source_of((), None, "dav") == FromCredential("dav")
    for several in ((("pass",), tmp_path, ""), ((), tmp_path, "dav")):
        with pytest.raises(ValueError, match="not several"):
            source_of(*several)
    with pytest.raises(ValueError, match="must begin with"):
        source_of((), Path("word"), "")
    for name in ("../word", "a/b", ".word"):
        with pytest.raises(ValueError, match="password_credential is a name"):
            source_of((), None, name)


def test_a_keyring_says_how_it_is(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends_with(error: type[Exception]) -> secrets.Ring:
        def look(service: str, username: str) -> str | None:
            raise error(f"{service} {username}")

        monkeypatch.setattr(keyring, "get_password", look)
        return secrets.ring()

    assert secrets.ring() is secrets.Ring.ANSWERS
    ring.is_locked = True
    assert secrets.ring() is secrets.Ring.SILENT
    assert ends_with(keyring.errors.KeyringLocked) is secrets.Ring.LOCKED
    assert ends_with(keyring.errors.NoKeyringError) is secrets.Ring.NONE


def test_a_keyring_that_waits_for_somebody_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    forever = threading.Event()

    def look(service: str, username: str) -> str | None:
        forever.wait()
        return service + username

    monkeypatch.setattr(keyring, "get_password", look)
    assert secrets.ring() is secrets.Ring.SILENT
    forever.set()
