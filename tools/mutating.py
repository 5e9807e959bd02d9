"""Sources with switches: one build that holds every defect, each asleep until it is called by its number.

`sendoff_mutant(N)` in a switched text is true while the environment says SENDOFF_MUTANT=N. HEADER declares that function and is included everywhere.
"""
import difflib
import re

HEADER = """#pragma once
#include <cstdlib>
inline const int sendoff_active_mutant = [] {
  const char* const named = std::getenv("SENDOFF_MUTANT");
  return named != nullptr ? std::atoi(named) : 0;
}();
constexpr bool sendoff_mutant(int number) {
  if consteval {
    return false;
  } else {
    return sendoff_active_mutant == number;
  }
}
"""

OPENING, CLOSING = "([{", ")]}"
ASSIGNMENT = re.compile(r"(?<![=!<>+\-*/%&|^])=(?!=)")
# A condition of an if, a value that is returned, a bool that is named.
SITE = re.compile(r"\bif \(|\breturn (?=[^;]*(?:&&|\|\|))|\bbool \w+ =\s+(?=[^;]*(?:&&|\|\|))")
NAMED_VALUE = re.compile(r"^\s*(?:const )?[\w:<>]+[*&]* \w+ = ")


class Unfit(Exception):
    """A patch that no switch can be made of, for the reason given."""


def masked(text):
    """The text with comments as blanks and literals as underscores, of the same length."""
    pattern = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " " if found[0][0] == "/" else "_", found[0]), text)


def end_of(code, at, stop):
    """Where the expression that begins at `at` ends: at one of `stop`, outside all brackets."""
    depth = 0
    while at < len(code):
        if depth == 0 and code[at] in stop:
            return at
        if code[at] in OPENING:
            depth += 1
        elif code[at] in CLOSING:
            depth -= 1
            if depth < 0:
                return at
        at += 1
    return at


def split(code, begin, end, operator):
    """The operands of a top-level operator, as (begin, end)."""
    parts, depth, start, at = [], 0, begin, begin
    while at < end:
        if code[at] in OPENING:
            depth += 1
        elif code[at] in CLOSING:
            depth -= 1
        elif depth == 0 and code.startswith(operator, at):
            parts.append((start, at))
            at += len(operator)
            start = at
            continue
        at += 1
    return parts + [(start, end)]


def trimmed(code, begin, end):
    while begin < end and code[begin].isspace():
        begin += 1
    while end > begin and code[end - 1].isspace():
        end -= 1
    return begin, end


class Mutant:
    """One defect: where it is and what it does to the code."""

    def __init__(self, file, line, what):
        self.file, self.line, self.what = file, line, what
        self.number = 0  # when it is in a build

    def __str__(self):
        return f"{self.file}:{self.line}: {self.what}"


class Source:
    """The mutants that one file can have, each with what it puts around a piece of the text."""

    def __init__(self, file, text):
        self.file, self.text, self.code = file, text, masked(text)
        self.changes = []  # (begin, end, mutant, text before, text after); outer before inner
        for site in SITE.finditer(self.code):
            self._read(site)

    @property
    def mutants(self):
        return [change[2] for change in self.changes]

    def _say(self, begin, end):
        return " ".join(self.text[begin:end].split())

    def _add(self, begin, end, what, before, after):
        line = self.text.count("\n", 0, begin) + 1
        self.changes.append((begin, end, Mutant(self.file, line, what), before, after))

    def _read(self, site):
        is_if = site[0].startswith("if")
        begin = site.end()
        end = end_of(self.code, begin, ")" if is_if else ";")
        if is_if:  # behind the init-statement
            begin = split(self.code, begin, end, ";")[-1][0]
        begin, end = trimmed(self.code, begin, end)
        if ASSIGNMENT.search(re.sub(r"[(\[{].*", "", self.code[begin:end], flags=re.DOTALL)) or \
                len(split(self.code, begin, end, "?")) > 1:
            return
        if is_if:
            said = self._say(begin, end)
            self._add(begin, end, f"negated: {said}", "(sendoff_mutant({}) != static_cast<bool>(", "))")
            self._add(begin, end, f"never: {said}", "(!sendoff_mutant({}) && (", "))")
        alternatives = split(self.code, begin, end, "||")
        if len(alternatives) > 1:
            self._operands(alternatives, "||")
        for each in alternatives:
            each = trimmed(self.code, *each)
            operands = split(self.code, *each, "&&")
            if len(operands) > 1:
                self._operands(operands, "&&")

    def _operands(self, operands, operator):
        for operand in operands:
            begin, end = trimmed(self.code, *operand)
            before = "(sendoff_mutant({}) || (" if operator == "&&" else "(!sendoff_mutant({}) && ("
            self._add(begin, end, f"without: {operator} {self._say(begin, end)}", before, "))")

    def switched(self, numbered):
        """The text with a switch for each mutant of `numbered` that is in this file."""
        wanted = {id(mutant) for mutant in numbered}
        before, after = {}, {}
        for begin, end, mutant, opening, closing in self.changes:
            if id(mutant) in wanted:
                before.setdefault(begin, []).append((-end, opening.format(mutant.number)))
                after.setdefault(end, []).append((-begin, closing))
        out, last = [], 0
        for at in sorted({*before, *after}):
            out.append(self.text[last:at])
            out += [closing for _, closing in sorted(after.get(at, []), key=lambda each: each[0])]
            out += [opening for _, opening in sorted(before.get(at, []), key=lambda each: each[0])]
            last = at
        return "".join(out) + self.text[last:]


def switch(number, old, new):
    """Lines that are `new` while the mutant of that number is awake, and `old` otherwise."""
    if len(old) == len(new) > 1:
        return [line for was, becomes in zip(old, new) for line in switch(number, [was], [becomes])]
    names = [NAMED_VALUE.match(line) for line in old + new]
    if not any(names):
        return [f"if (sendoff_mutant({number})) {{\n", *new, "} else {\n", *old, "}\n"]
    if len(names) != 2 or not all(names) or names[0][0] != names[1][0] or not old[0].endswith(";\n"):
        raise Unfit("what it changes is a declaration")
    was, becomes = (line[len(names[0][0]):-2] for line in (old[0], new[0]))
    return [f"{names[0][0]}sendoff_mutant({number}) ? ({becomes}) : ({was});\n"]


def patched_lines(before, after):
    """(begin, end, new lines) of each piece of `before` that a patch replaced."""
    old, new = before.splitlines(True), after.splitlines(True)
    found = []
    for tag, begin, end, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            found.append((begin, end, new[first:last]))
    return found


def with_patches(text, patches):
    """`text` with a switch for each (number, begin, end, new lines) of its lines, none in another."""
    lines = text.splitlines(True)
    pieces = sorted(patches, key=lambda each: (each[1], each[2]))
    for (_, _, end, _), (_, begin, _, _) in zip(pieces, pieces[1:]):
        if begin < end:
            raise Unfit("two patches change the same lines")
    for number, begin, end, new in reversed(pieces):
        lines[begin:end] = switch(number, lines[begin:end], new)
    return "".join(lines)
