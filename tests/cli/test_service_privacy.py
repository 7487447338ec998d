"""A service at work tells nobody anything of the owner's people or passwords, whatever goes wrong."""

import re
from pathlib import Path

import pytest

from folder_worlds import card, edit, made, person
from service_worlds import running, until

pytestmark = pytest.mark.thorough

QUICK = "[service]\ndebounce_s = 0.1\ninterval_s = 1\n"
PASSWORD = "canary-of-a-password"  # noqa: S105  # of nobody
CANARIES = re.compile(r"canary", re.IGNORECASE)


def test_no_value_path_or_password_is_in_log_status_arguments_or_environment(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    # Nobody answers there: what is said of that is looked at as well.
    server = f'[accounts.away]\nconnector = "dav"\nurl = "http://127.0.0.1:9/"\nusername = "canary-user"\npassword_file = "{secret}"\n'
    world = made(tmp_path, more=server + QUICK)
    for name in ("Ada Canary", "Bo Canary"):
        world.note(name).write_text(person(name, "role: canary-role", "company: Canaries"))
    assert world.sync().code == 2
    world.note("Cy Canary").write_text("---\ntype: people\n canary: [\n---\n")
    (world.contacts / "canary.vcf").write_text(card("Di Canary", "EMAIL:canary@example.test").replace("END", "DNE"))
    with running(world) as service:
        edit(world.note("Ada Canary"), "company: Canaries", "company: Canary East")
        edit(world.card_of("Ada Canary"), "ORG:Canaries", "ORG:Canary West")
        edit(world.note("Bo Canary"), "canary-role", "canary-chief")
        # However many rounds it takes; both edits of one field have made a conflict by then.
        assert until(lambda: "canary-chief" in world.card_of("Bo Canary").read_text())
        assert until(lambda: CANARIES.search(world.contactd("conflicts").said) is not None)
        process = Path(f"/proc/{service.process.pid}")
        said = service.log + "".join(service.told)
        seen = process.joinpath("cmdline").read_text() + process.joinpath("environ").read_text()
        assert service.stop() == 0
    assert CANARIES.findall(said + seen) == []
    # Whereas who asks in his own terminal is told.
    assert CANARIES.search(world.contactd("conflicts").said)
