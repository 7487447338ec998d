import time

import pytest

from mappings.errors import UnreadableNote
from mappings.frontmatter import Block, Items, Node, Scalar, find_fences, parse


def block(yaml: str) -> Block:
    note = f"---\n{yaml}---\n"
    fences = find_fences(note)
    assert fences is not None
    return parse(note, fences)


def written(block: Block, node: Node) -> str:
    match node:
        case Scalar() | Items():
            return block.note[node.start : node.end]
        case _:
            return ""


@pytest.mark.parametrize(
    ("yaml", "text", "characters"),
    [
        ("key: Ada\n", "Ada", "Ada"),
        ("key:   'it''s'  # why\n", "it's", "'it''s'"),
        ('key: "a\\x3Cb \\u00e9"\n', "a<b é", '"a\\x3Cb \\u00e9"'),
        ("é: ü\nkey: ☃ 😀 y\nz: 1\n", "☃ 😀 y", "☃ 😀 y"),
        ("key: one\n  two\n", "one two", "one\n  two"),
        ("key: |\n  one\n  two\nz: 1\n", "one\ntwo\n", "|\n  one\n  two\n"),
        ("key: +49301234\n", "+49301234", "+49301234"),
        ("{a: 1, key: 'x'}\n", "x", "'x'"),
        ("  a: 1\n  key: x\n", "x", "x"),
        ("'key' : x\n", "x", "x"),
        ("# first\n\nkey: x # last\n# end\n", "x", "x"),
    ],
)
def test_a_value_is_known_with_the_characters_that_write_it(yaml: str, text: str, characters: str) -> None:
    read = block(yaml)
    node = read.nodes["key"]
    assert isinstance(node, Scalar)
    assert node.text == text
    assert written(read, node) == characters


@pytest.mark.parametrize("yaml", ["key:\n", "key:  \n", "key: # why\n", "a: 1\nkey:\nb: 2\n", "key:\r\n", "key :\n"])
def test_a_value_that_is_not_written_stands_behind_its_colon(yaml: str) -> None:
    node = block(yaml).nodes["key"]
    assert isinstance(node, Scalar)
    assert node.is_null
    assert node.start == node.end == len("---\n") + yaml.index(":", yaml.index("key")) + 1


@pytest.mark.parametrize("yaml", ["key:\n  -\n", "key:\n  -   # why\n", "key:\n- \n"])
def test_an_item_that_is_not_written_stands_behind_its_dash(yaml: str) -> None:
    node = block(yaml).nodes["key"]
    assert isinstance(node, Items)
    assert [(item.start, item.end) for item in node.items if isinstance(item, Scalar)] == [
        (4 + yaml.index("-") + 1,) * 2
    ]


@pytest.mark.parametrize(
    ("note", "fenced"),
    [
        ("no frontmatter\n", None),
        ("", None),
        ("\n---\na: 1\n---\n", None),
        ("----\na: 1\n---\n", None),
        ("---\n\nA rule, then prose.\n", None),
        ("---\na: 1\n---\n", "a: 1\n"),
        ("---\r\na: 1\r\n---\r\nbody\r\n", "a: 1\r\n"),
        ("\ufeff---\na: 1\n---", "a: 1\n"),
        ("--- \t\na: 1\n---  \nbody\n---\n", "a: 1\n"),
        ("---\n---\n", ""),
    ],
)
def test_frontmatter_stands_between_two_fences_at_the_very_start(note: str, fenced: str | None) -> None:
    fences = find_fences(note)
    assert (None if fences is None else note[fences.start : fences.end]) == fenced


@pytest.mark.parametrize(
    ("yaml", "line", "reason"),
    [
        ("a: 1\nb: 2\na: 3\n", 4, "`a` stands in the frontmatter twice"),
        ("a: 1\n'a': 3\n", 3, "twice"),
        ("a: {b: 1, b: 2}\n", 2, "twice"),
        ("a: 1\n\tb: 2\n", 3, "tab"),
        ("a:\tAda\n", 2, "not valid YAML"),
        ("a: x: y\n", 2, "not valid YAML"),
        ("a: 1\nb: 'x\n", 3, "not valid YAML"),
        ("a: @x\n", 2, "not valid YAML"),
        ("a: 1\n b: 2\n", 3, "not valid YAML"),
        ("a: {{date}}\nb: ]\n", 3, "not valid YAML"),
        ("- a\n- b\n", 2, "not a list of keys and values"),
        ("just words\n", 2, "not a list of keys and values"),
        ("%YAML 1.2\na: 1\n", 2, "directive"),
        ("a: 1\n...\nb: 2\n", 3, "directive or document marker"),
        ("a: " + "[" * 30_000 + "\n", 2, "not valid YAML"),
        ("a: " + "x" * 70_000 + "\n", 1, "larger than 64 KiB"),
    ],
)
def test_frontmatter_that_is_not_ours_to_guess_is_refused_with_its_line(yaml: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadableNote, match=reason) as refusal:
        block(yaml)
    assert refusal.value.line == line


def test_frontmatter_without_an_end_is_refused() -> None:
    with pytest.raises(UnreadableNote, match="no closing"):
        find_fences("---\ntitle: Ada\n\nbody\n")


@pytest.mark.parametrize(
    "yaml",
    [
        "a: &x 1\nb: 2\n",
        "a: *x\n",
        "a: !x y\n",
        "a: [1, !x y]\n",
        "!!map\na: 1\n",
        "!!str a: 1\n",
        "<<: {b: 1}\na: 2\n",
        "a: {<<: {b: 1}}\n",
        "a: {b: [*x]}\n",
        "k: &x\nl: v\n",
    ],
)
def test_anchors_aliases_tags_and_merge_keys_are_never_written_beside(yaml: str) -> None:
    assert block(yaml).unwritable


@pytest.mark.parametrize("yaml", ["a: R&D\n", "a: 'Q&A *now*!'\n", 'a: "&x"\n', "a: <<x>>\n", "a: wow!\n# &x *y !z\n"])
def test_the_same_characters_inside_texts_are_only_texts(yaml: str) -> None:
    assert not block(yaml).unwritable


@pytest.mark.parametrize("line", ["ké{0}: v\n", "k{0}: [é, é]\n", "k{0}:\n- é\n-\n"])
def test_the_largest_block_costs_no_more_than_its_length(line: str) -> None:
    yaml = "".join(line.format(number) for number in range(3_000))
    started = time.process_time()
    assert len(block(yaml).nodes) == 3_000
    assert time.process_time() - started < 5


def test_a_bomb_of_aliases_costs_nothing() -> None:
    layers = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]\n" for n in range(1, 30))
    started = time.process_time()
    assert block(f"k0: &k0 [x, x, x]\n{layers}").unwritable
    assert time.process_time() - started < 2
