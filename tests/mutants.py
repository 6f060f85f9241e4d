"""Mutants of a module: its source with one thing changed. `mutation` runs the tests on them."""

import ast
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OPERATORS = {  # as written, and as a mutant has it
    **{ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")},
    **{ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.In: ("in", "not in")},
    **{ast.NotIn: ("not in", "in")},  # codespell:ignore notin
    **{ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.And: ("and", "or"), ast.Or: ("or", "and")},
    **{ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.Pow: ("**", "*")},
    **{ast.FloorDiv: ("//", "/"), ast.Mod: ("%", "//"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&")},
}
_TWINS = [("min", "max"), ("minimum", "maximum"), ("amin", "amax"), ("argmin", "argmax"), ("any", "all")]
_TWINS += [("floor", "ceil"), ("startswith", "endswith"), ("find", "rfind"), ("lstrip", "rstrip")]
_NAMES = dict(_TWINS) | {b: a for a, b in _TWINS}
_DROPPED = {"clamp", "clamp_", "abs", "round", "floor", "ceil", "flip", "strip", "lstrip", "rstrip", "lower", "sort"}
_SYMMETRIC = {"min", "max", "minimum", "maximum", "isinstance", "isclose", "allclose", "equal"}
# What people read and programs do not, and what only asks for what holds anyway.
_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "msg", "type_params"}
_SKIPPED_NAMES = {"__repr__", "__str__", "__all__", "strict"}


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes from `start` to `end` of the file at `path` become `new`."""

    path: Path
    line: int
    start: int
    end: int
    new: str

    def __str__(self) -> str:
        raw = self.path.read_bytes()
        first, last = raw.rfind(b"\n", 0, self.start) + 1, (raw + b"\n").find(b"\n", self.end)
        old, before, after = raw[self.start : self.end], raw[first : self.start], raw[self.end : last]
        return " ".join(f"{before.decode()}[{old.decode()} -> {self.new}]{after.decode()}".split())

    def source(self) -> bytes:
        """The whole module with the change."""
        raw = self.path.read_bytes()
        return raw[: self.start] + self.new.encode() + raw[self.end :]


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of a module, in the order of the file; those that are no Python are left out."""
    finder = _Finder(path.read_bytes())
    finder.visit(ast.parse(finder.raw))
    found = []
    for start, end, new in sorted(finder.changes):
        mutant = Mutant(path, finder.raw.count(b"\n", 0, start) + 1, start, end, new)
        with contextlib.suppress(SyntaxError):
            ast.parse(mutant.source())
            found.append(mutant)
    return found


class _Finder(ast.NodeVisitor):
    """Collects changes of a source, each as start, end and new text; `visit_X` adds those of nodes of type X."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.changes, self.arguments = raw, set(), ()
        self.lines = [0]
        for line in raw.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        start, end = self.lines[node.lineno - 1], self.lines[node.end_lineno - 1]
        return start + node.col_offset, end + node.end_col_offset

    def text(self, start: int, end: int) -> str:
        return self.raw[start:end].decode()

    def generic_visit(self, node: ast.AST) -> None:
        for child in _read_by_programs(node):
            self.visit(child)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer, given = self.arguments, node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        self.arguments = tuple(each.arg for each in given if each.arg != "self")
        self.generic_visit(node)
        self.arguments = outer

    def between(self, left: ast.AST, right: ast.AST, operator: ast.AST, tail: str = "") -> None:
        """Change the operator between two operands."""
        if type(operator) in _OPERATORS:
            old, new = _OPERATORS[type(operator)]
            start, end = self.span(left)[1], self.span(right)[0]
            found = re.search(re.escape(old + tail).replace(r"\ ", r"\s+"), self.text(start, end))
            if found:
                self.changes.add((start + found.start(), start + found.end(), new + tail))

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            self.between(left, right, operator)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not (_joins(node.left) or _joins(node.right)):
            self.between(node.left, node.right, node.op)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if not _joins(node.value):
            self.between(node.target, node.value, node.op, "=")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right, node.op)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start, end = self.span(node)
        self.changes.add((start, end, self.text(start + (3 if isinstance(node.op, ast.Not) else 1), end).strip()))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.changes.add((*self.span(node), str(not node.value)))
        elif isinstance(node.value, int | float):
            self.changes |= {(*self.span(node), f"{node.value + 1}"), (*self.span(node), f"({node.value - 1})")}

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in _NAMES:
            self.changes.add((*self.span(node), _NAMES[node.id]))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        end = self.span(node)[1]
        if node.attr in _NAMES:
            self.changes.add((end - len(node.attr), end, _NAMES[node.attr]))
        self.generic_visit(node)

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):  # those change in themselves
            start, end = self.span(node.test)
            self.changes.add((start, end, f"(not {self.text(start, end)})"))
        self.generic_visit(node)

    visit_IfExp = visit_If

    def visit_Break(self, node: ast.Break) -> None:
        self.changes.add((*self.span(node), "continue"))

    def visit_Continue(self, node: ast.Continue) -> None:
        self.changes.add((*self.span(node), "break"))

    def visit_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.Name):
            other = next((name for name in self.arguments if name != node.value.id), "None")
            self.changes.add((*self.span(node), f"return {other}"))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self.changes.add((*self.span(node), "pass"))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if isinstance(node.func, ast.Attribute) and name in _DROPPED:
            start, end = self.span(node)
            kept = self.text(start, self.span(node.func)[1] - len(name)).rstrip()
            self.changes.add((start, end, kept.removesuffix(".").rstrip()))
        for one, two in zip(node.args, node.args[1:], strict=False):
            like = all(isinstance(each, ast.Name | ast.Attribute | ast.Subscript) for each in (one, two))
            if like and name not in _SYMMETRIC:
                (start, inner), (after, end) = self.span(one), self.span(two)
                first, comma, second = self.text(start, inner), self.text(inner, after), self.text(after, end)
                self.changes |= {(start, end, second + comma + first)} if first != second else set()
        self.generic_visit(node)


def _read_by_programs(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that do something: no annotations, no decorators, no messages."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            first = child.targets[0] if isinstance(child, ast.Assign) else child
            name = getattr(first, "id", getattr(first, "name", getattr(first, "arg", None)))
            unread = isinstance(child, ast.Raise | ast.JoinedStr) or name in _SKIPPED_NAMES
            if isinstance(child, ast.AST) and field not in _SKIPPED_FIELDS and not unread:
                yield child


def _joins(node: ast.AST) -> bool:
    """Whether this is text or a list: "-" for "+" is only a TypeError there."""
    text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return text or isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp)
