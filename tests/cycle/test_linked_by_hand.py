"""A contact that the owner links by hand may have been somebody else's; from then on it is the linked note's."""

from daemon import linking, links
from mappings.person import Uid
from mappings.record import NotePath
from simulation.story import ADA, NOTE, Story
from simulation.world import HOME
from worlds import person


def test_a_contact_linked_by_hand_carries_its_notes_uid_after_one_update_and_is_found_after_a_lost_state() -> None:
    story = Story()
    older = story.world.books[HOME].add(person({"name": "Ada"}), uid=Uid("somebody who is no more"))
    story.world.vault.save(ADA, NOTE, by_rename=True)
    (question,) = [one for one in story.sync().questions if one.account == HOME]
    linking.link(story.world.state, HOME, question.uid, older)
    deeds = story.sync().deeds
    assert deeds is not None
    assert (deeds.updated, story.world.books[HOME].entries[older].uid) == ({HOME: 1}, question.uid)
    assert not story.sync().plan.operations
    story.world.lose_state()
    story.sync()
    linked = [one.remote_id for one in links.links(story.world.state) if one.account == HOME]
    assert linked == [older]


def test_a_contact_that_was_copied_for_somebody_else_is_not_given_back_to_the_note_whose_uid_it_carried() -> None:
    """Another program copies a card with all that is in it, and then only name and address are changed."""
    story = Story()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    story.sync()
    (uid,) = {one.uid for one in links.links(story.world.state)}
    copied = story.world.books[HOME].add(person({"name": "Bea", "emails": ("bea@example.test",)}), uid=uid)
    bea = NOTE.replace(b"title: Ada", b"title: Bea\nemail: bea@example.test")
    story.world.vault.save(NotePath("People/Bea.md"), bea, by_rename=True)
    story.sync()
    before = links.links(story.world.state)
    assert [one.uid != uid for one in before if (one.account, one.remote_id) == (HOME, copied)] == [True]
    story.world.lose_state()
    story.sync()
    assert [(one.uid, one.remote_id) for one in links.links(story.world.state)] == [
        (one.uid, one.remote_id) for one in before
    ]
