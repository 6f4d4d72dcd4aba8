"""The parser's row of tokens as a tree, for as much of it as is read: its own tree takes longer than ours and links both ways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(slots=True)
class Node:
    """A token, or a pair that opens and closes with what stands between; `type` is without its `_open`."""

    type: str
    token: "Token"
    children: "list[Node]" = field(default_factory=list)

    @property
    def rows(self) -> list[int] | None:
        """The rows of the body it takes, counted from 0, the last excluded; None inside a line."""
        return self.token.map

    def walk(self) -> "Iterator[Node]":
        """It and all below it, in the order of reading."""
        yield self
        for child in self.children:
            yield from child.walk()


def nodes(tokens: "Sequence[Token]") -> list[Node]:
    """The nodes that stand beside each other in a row of tokens."""
    around: list[list[Node]] = []
    here: list[Node] = []
    for token in tokens:
        if token.nesting < 0:
            here = around.pop()
            continue
        node = Node(token.type, token)
        here.append(node)
        if token.nesting > 0:
            node.type = token.type.removesuffix("_open")
            around.append(here)
            here = node.children
        elif token.children:
            node.children = nodes(token.children)
    return here
