"""PyYAML's complaints in our own words: what is wrong, and what to do about it."""

import re

import yaml

_HINTS = (
    (r"found character '\\t'", "a tab cannot indent; write spaces"),
    (r"found character '(.+)' that cannot start any token", r"text cannot begin with '\1'; put it in quotes"),
    (
        r"mapping values are not allowed",
        "a ':' stands where none can; quote text that holds ': ', or mend the indentation",
    ),
    (r"could not find expected ':'", "a key without a ':'; write 'key: value', or mend the indentation"),
    (r"found unexpected end of stream", "the file ends inside a quoted text; close the quote"),
    (r"found unexpected document separator", "'---' stands inside a quoted text; close the quote"),
    (r"expected ',' or '\]'", "a list in brackets is not closed; write ',' between its items and ']' at its end"),
    (r"expected ',' or '\}'", "a mapping in braces is not closed; write ',' between its keys and '}' at its end"),
    (r"expected the node content", "a value is missing here; write it, or '' for empty text"),
    (r"expected '<document start>'", "the first value of the file has ended before this; mend the indentation"),
    (r"expected <block end>", "the indentation does not fit the lines before; align it with them"),
    (r"sequence entries are not allowed", "a '-' stands where no list can begin; put it on its own line"),
    (r"block sequence entries are not allowed", "a '-' stands where no list can begin; put it on its own line"),
    (r"mapping keys are not allowed", "a '?' stands where no key can be; quote it if it is text"),
    (r"found unknown escape character '(.+)'", r"'\\\1' means nothing inside double quotes; use single quotes"),
    (r"expected escape sequence of", "an escape inside double quotes is cut short; use single quotes"),
    (
        r"while scanning an? (alias|anchor)|expected alphabetic or numeric",
        "a name after '&' or '*' is missing; quote the text",
    ),
)


def syntax_problem(error: yaml.MarkedYAMLError) -> str:
    """One line for a syntax error; PyYAML's own words where we have no better ones."""
    for pattern, words in _HINTS:
        for said in (error.problem, error.context):
            if said and (match := re.search(pattern, said)):
                return match.expand(words)
    said = " ".join((error.problem or error.context or "it cannot be read").split())
    return f"this is not valid YAML: {said[:120]}; check the line and the one before it"
