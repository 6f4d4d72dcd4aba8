"""The tokens of the Markdown parser as a tree.

markdown-it has its own tree class, but building it is slower: it links nodes in ways that nothing here uses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(slots=True)
class Node:
    """A token, or a pair of opening and closing tokens with the nodes between them.

    type: the type of the token, without `_open`.
    """

    type: str
    token: "Token"
    children: "list[Node]" = field(default_factory=list)

    @property
    def rows(self) -> list[int] | None:
        """The first row and the row after the last, counted from 0; None inside a line."""
        return self.token.map

    def walk(self) -> "Iterator[Node]":
        """Yield this node and all nodes below it, in reading order."""
        # Generators within generators would take time in proportion to the square of the depth.
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


def build_tree(tokens: "Sequence[Token]") -> list[Node]:
    """Build the top-level nodes of a list of tokens."""
    parents: list[list[Node]] = []
    siblings: list[Node] = []
    for token in tokens:
        if token.nesting < 0:
            siblings = parents.pop()
            continue
        node = Node(token.type, token)
        siblings.append(node)
        if token.nesting > 0:
            node.type = token.type.removesuffix("_open")
            parents.append(siblings)
            siblings = node.children
        elif token.children:
            node.children = build_tree(token.children)
    return siblings
