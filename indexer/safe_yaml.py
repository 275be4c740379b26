"""YAML that somebody else may have written, made to hurt: whatever is wrong with it is one kind of error, and costs little.

PyYAML's C loader overflows the stack on deep nesting, which ends the process. Here only its parser is in C, which keeps a
list of its own; the tree is built in Python, to a limit.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer, ComposerError
from yaml.constructor import ConstructorError

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader as _Parsing
else:
    from yaml import CSafeLoader as _Parsing

_DEEPEST = 50
"""Levels of lists and mappings inside each other, the innermost value counted too."""
_LONGEST = 14_000
"""Bits of a number. Python refuses to write out one of more than 4,300 digits, which is little more."""
_MERGE = "tag:yaml.org,2002:merge"


def read_yaml(text: str) -> Any:
    """The value of a YAML document in plain types; None for an empty one. Raises yaml.YAMLError, and nothing else.

    Refused besides what is no YAML: deep nesting, merge keys ("<<") and numbers too long to write out. An alias is the very
    object that it stands for, so printing or walking all of what came back may take exponential time.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506, a safe loader
    except yaml.YAMLError:
        raise
    except Exception as error:  # PyYAML takes much on trust
        raise yaml.YAMLError(f"{type(error).__name__}: {error}") from error


class _Limited(Composer):
    """Builds the tree of a document to a limited depth. Before PyYAML's loaders, it takes the place of their C code."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[attr-defined]  # of the parser, which a loader has too
            raise ComposerError(None, None, f"nested deeper than {_DEEPEST} levels", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Loader(_Limited, _Parsing):
    """PyYAML's safe loader with limits, and with its own errors alone."""

    def __init__(self, text: str) -> None:
        _Parsing.__init__(self, text)
        Composer.__init__(self)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Called for the merge keys of a mapping, each of which may double what it holds."""
        for key, _ in node.value:
            if key.tag == _MERGE:
                raise ConstructorError(None, None, "merge keys ('<<') are not read", key.start_mark)
        super().flatten_mapping(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Hashable:
        """A tag such as !!bool is taken on trust; a text that does not fit it ends in any error."""
        try:
            value: Hashable = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > _LONGEST:
                raise ValueError(value.bit_length())
        except yaml.YAMLError:
            raise
        except Exception as error:
            text = f"'{node.value[:40]}'" if isinstance(node, yaml.ScalarNode) else "this"
            kind = node.tag.rsplit(":", 1)[-1]
            raise ConstructorError(None, None, f"{text} cannot be read as {kind}", node.start_mark) from error
        return value
