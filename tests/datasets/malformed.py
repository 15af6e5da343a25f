"""Ways to spoil the files of a data set: seeded, so that a failure can be seen again."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

Spoil = Callable[[bytes, Random], bytes]

LEAVES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "x",
    "../../../etc/passwd",
    "/etc/passwd",
    "C:\\x.png",
    "a\0b",
    "\ud800",
    "x" * 5000,
    [],
    {},
    [[[[]]]],
)
"""What may stand where something else was meant."""
FIELDS = (
    "",
    "-1",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1" * 400,
    "1_0",
    "٣",
    "0x10",
    "x",
    "..",
    "../../../etc/passwd",
    "/etc/passwd",
    'a"b',
)
"""The same in text."""
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def cut_short(content: bytes, draw: Random) -> bytes:
    return content[: draw.randrange(len(content))]


def garbage(content: bytes, draw: Random) -> bytes:
    return draw.randbytes(draw.randrange(1, 400))


def empty(content: bytes, draw: Random) -> bytes:
    return b""


def blank(content: bytes, draw: Random) -> bytes:
    return b" \n\t\n"


def utf_16(content: bytes, draw: Random) -> bytes:
    """As a Windows editor saves text."""
    return content.decode("latin-1").encode("utf-16")


def latin_1(content: bytes, draw: Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + "é".encode("latin-1") + content[place:]


def zero_bytes(content: bytes, draw: Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + b"\0" * 3 + content[place:]


def byte_mark(content: bytes, draw: Random) -> bytes:
    return b"\xef\xbb\xbf" + content


def twice(content: bytes, draw: Random) -> bytes:
    return content + content


def spliced(content: bytes, draw: Random) -> bytes:
    first, second = sorted(draw.randrange(len(content)) for _ in range(2))
    return content[:first] + content[second:]


def flipped(content: bytes, draw: Random) -> bytes:
    garbled = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 8))):
        place = draw.randrange(len(garbled))
        garbled[place] = draw.choice((garbled[place] ^ 1 << draw.randrange(8), draw.randrange(256)))
    return bytes(garbled)


BYTES: tuple[Spoil, ...] = (
    cut_short,
    garbage,
    empty,
    blank,
    utf_16,
    latin_1,
    zero_bytes,
    byte_mark,
    twice,
    spliced,
    flipped,
)


def json_leaf(content: bytes, draw: Random) -> bytes:
    """One value, somewhere, is another one."""
    tree = json.loads(content)
    holder, key = draw.choice(list(_places(tree)))
    holder[key] = copy.deepcopy(draw.choice(LEAVES))
    return json.dumps(tree).encode()


def json_lost_key(content: bytes, draw: Random) -> bytes:
    tree = json.loads(content)
    places = [(holder, key) for holder, key in _places(tree) if isinstance(holder, dict)]
    holder, key = draw.choice(places)
    del holder[key]
    return json.dumps(tree).encode()


def json_key_twice(content: bytes, draw: Random) -> bytes:
    """A key stands twice, the second time with another value: most programs keep the last in silence."""
    tree = json.loads(content)
    holder, key = draw.choice([place for place in _places(tree) if isinstance(place[0], dict)])
    mark = "twice" + "".join(draw.choices("abcdef", k=9))
    holder[mark] = copy.deepcopy(draw.choice(LEAVES))
    return json.dumps(tree).replace(json.dumps(mark), json.dumps(key)).encode()


def json_item_twice(content: bytes, draw: Random) -> bytes:
    tree = json.loads(content)
    lists = [holder[key] for holder, key in _places(tree) if isinstance(holder[key], list) and holder[key]]
    lists += [tree] if isinstance(tree, list) else []
    chosen = draw.choice(lists)
    chosen.insert(0, copy.deepcopy(draw.choice(chosen)))
    return json.dumps(tree).encode()


def json_nested(content: bytes, draw: Random) -> bytes:
    depth = draw.choice((200, 2_000, 100_000))
    return b"[" * depth + b"]" * depth


def json_nested_within(content: bytes, draw: Random) -> bytes:
    tree = json.loads(content)
    holder, key = draw.choice(list(_places(tree)))
    holder[key] = "NESTED"
    return json.dumps(tree).replace('"NESTED"', "[" * 500 + "]" * 500).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every holder and key."""
    if isinstance(tree, dict):
        for key in list(tree):
            yield tree, key
            yield from _places(tree[key])
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield tree, place
            yield from _places(value)


JSON: tuple[Spoil, ...] = (
    *BYTES,
    json_leaf,
    json_lost_key,
    json_key_twice,
    json_item_twice,
    json_nested,
    json_nested_within,
)


def xml_bomb(content: bytes, draw: Random) -> bytes:
    return _before_root(content, BOMB).replace(b">pit<", b">&c;<").replace(b'"pit"', b'"&c;"')


def xml_outside(content: bytes, draw: Random) -> bytes:
    return _before_root(content, OUTSIDE).replace(b">pit<", b">&a;<").replace(b'"pit"', b'"&a;"')


def xml_text(content: bytes, draw: Random) -> bytes:
    """One text or attribute is another one."""
    places = list(re.finditer(rb'>([^<>\s][^<>]*)<|="([^"]*)"', content))
    place = draw.choice(places)
    group = 1 if place[1] is not None else 2
    field = draw.choice(FIELDS).replace('"', "").encode()
    return content[: place.start(group)] + field + content[place.end(group) :]


def xml_lost_element(content: bytes, draw: Random) -> bytes:
    root, parent, place = _element(content, draw)
    del parent[place]
    return ElementTree.tostring(root)


def xml_element_twice(content: bytes, draw: Random) -> bytes:
    root, parent, place = _element(content, draw)
    parent.insert(place, copy.deepcopy(parent[place]))
    return ElementTree.tostring(root)


def xml_element_twice_first_empty(content: bytes, draw: Random) -> bytes:
    """Most programs take the first in silence."""
    root, parent, place = _element(content, draw)
    parent.insert(place, ElementTree.Element(parent[place].tag))
    return ElementTree.tostring(root)


def xml_other_tag(content: bytes, draw: Random) -> bytes:
    root, parent, place = _element(content, draw)
    parent[place].tag += "x"
    return ElementTree.tostring(root)


def _element(content: bytes, draw: Random) -> tuple[Element, Element, int]:
    """The root, and an element below it by its parent and place."""
    root = ElementTree.fromstring(content)
    return root, *draw.choice([(parent, place) for parent in root.iter() for place in range(len(parent))])


def xml_nested(content: bytes, draw: Random) -> bytes:
    depth = draw.choice((200, 50_000))
    return b"<a>" * depth + b"</a>" * depth


def _before_root(content: bytes, what: bytes) -> bytes:
    start = content.index(b"<annotation")
    return content[:start] + what + content[start:]


XML: tuple[Spoil, ...] = (
    *BYTES,
    xml_bomb,
    xml_outside,
    xml_text,
    xml_lost_element,
    xml_element_twice,
    xml_element_twice_first_empty,
    xml_other_tag,
    xml_nested,
)


def field(content: bytes, draw: Random) -> bytes:
    """One field of a line is another one."""
    lines = content.decode().splitlines()
    place = draw.randrange(len(lines))
    parts = re.split(r"([,\s])", lines[place])
    chosen = 2 * draw.randrange((len(parts) + 1) // 2)
    parts[chosen] = draw.choice(FIELDS)
    lines[place] = "".join(parts)
    return "\n".join(lines).encode()


def lost_field(content: bytes, draw: Random) -> bytes:
    lines = content.decode().splitlines()
    place = draw.randrange(len(lines))
    lines[place] = re.sub(r"[,\s][^,\s]*$", "", lines[place])
    return "\n".join(lines).encode()


def more_fields(content: bytes, draw: Random) -> bytes:
    lines = content.decode().splitlines()
    place = draw.randrange(len(lines))
    lines[place] += draw.choice((",", " ")).join(["", *draw.choices(FIELDS, k=draw.randrange(1, 4))])
    return "\n".join(lines).encode()


def line_twice(content: bytes, draw: Random) -> bytes:
    lines = content.decode().splitlines()
    return "\n".join([*lines, draw.choice(lines)]).encode()


def other_order(content: bytes, draw: Random) -> bytes:
    lines = content.decode().splitlines()
    draw.shuffle(lines)
    return "\n".join(lines).encode()


def column_twice(content: bytes, draw: Random) -> bytes:
    """A table with a column of a name that it has already, empty."""
    first, _, rest = content.decode().partition("\n")
    column = draw.choice(first.split(","))
    return "\n".join([f"{first},{column}", *(f"{line}," for line in rest.splitlines())]).encode()


LINES: tuple[Spoil, ...] = (*BYTES, field, lost_field, more_fields, line_twice, other_order)
TABLE: tuple[Spoil, ...] = (*LINES, column_twice)

LOSES_NOTHING: frozenset[Spoil] = frozenset(
    {
        byte_mark,
        json_leaf,
        json_lost_key,
        json_key_twice,
        json_item_twice,
        xml_text,
        xml_element_twice,
        xml_element_twice_first_empty,
        xml_other_tag,
        field,
        more_fields,
        line_twice,
        other_order,
        column_twice,
    }
)
"""Every defect is still in the file, well or badly: a part that had one must not be good afterwards."""
