"""The pieces of the proof: what each is, how it is run, and what the most trusted systems of this kind show."""

from dataclasses import dataclass

LEFT_OUT = 77
"""How a piece ends that lacks what it needs. Source: automake's test protocol."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One module and its arguments in a hurry, usually and for a night; `{first}` is the seed at which chance begins.

    But for a night it is ended after `limit_s`, which is three times what it takes on two cores that do nothing else.
    """

    name: str
    what: str
    short: str
    usual: str
    long: str
    anchors: str
    limit_s: int


PIECES: tuple[Piece, ...] = (
    Piece(
        "quick",
        "histories of the real planner, merge, executor and recovery over records",
        "proof.histories --seeds {first}+20000",
        "proof.histories --seeds {first}+200000",
        "proof.histories --seeds {first}+7000000",
        "Dropbox: tens of millions a night; FoundationDB: tens of thousands of simulations a night",
        1500,
    ),
    Piece(
        "whole",
        "histories of the whole cycle with lenses, SQLite and calendars",
        "simulation --seeds {first}+300",
        "simulation --seeds {first}+5000",
        "simulation --seeds {first}+400000",
        "vdirsyncer: 1,000 examples, no lost-update oracle",
        700,
    ),
    Piece(
        "mutants",
        "known bugs, each found by one of the two tiers or by the tests of its module",
        "proof.mutants --tier quick",
        "proof.mutants",
        "proof.mutants",
        "SQLite: mutation testing of branches; TigerBeetle: its oracle's false alarms are fixed in public",
        600,
    ),
    Piece(
        "sweeps",
        "system calls of a run, killed at or failing with EIO, ENOSPC or EACCES, after which the next run ends as it should",
        "proof.sweeps --stride 40 --first {first}",
        "proof.sweeps --stride 4 --first {first}",
        "proof.sweeps --stride 1",
        "isync: every journal step of 15 scenarios; a prototype: 124 points of one",
        900,
    ),
    Piece(
        "power",
        "cuts of the current on ext4, ext4 noauto_da_alloc, xfs and btrfs",
        "proof.power_cuts --times 2",
        "proof.power_cuts --times 8",
        "proof.power_cuts --times 60",
        "rename without fsync: an empty note on xfs and ext4 noauto_da_alloc",
        300,
    ),
    Piece(
        "races",
        "saves by real vim, nano, sed -i and an in-place writer while the service writes the same notes",
        "proof.editor_races --edits 200",
        "proof.editor_races --edits 3000",
        "proof.editor_races --edits 100000",
        "compare-then-rename: 145 of 18,000 edits lost; exchange: 0 of 30,000",
        1000,
    ),
    Piece(
        "soak",
        "a service under edits on both sides, faults and restarts, until both sides are in step and nothing has grown",
        "proof.soak --seconds 40",
        "proof.soak --seconds 300",
        "proof.soak --seconds 28800",
        "Syncthing: integration tests over minutes; its default keeps 10 conflict copies",
        480,
    ),
    Piece(
        "fuzz",
        "hostile inputs to every parser and lens, at random and guided by what they reach",
        "proof.fuzz --seconds 44 --first {first}",
        "proof.fuzz --seconds 230 --first {first}",
        "proof.fuzz --seconds 7200 --first {first}",
        "SQLite: dbsqlfuzz, about a thousand million mutations a day",
        500,
    ),
)
