"""Which names a cell needs from elsewhere: what lets a grader leave out the cells that exercises do not rely on."""

import ast
import builtins
import symtable
from collections.abc import Iterable
from typing import Any

_KNOWN = frozenset(dir(builtins)) | {"__name__", "__file__", "get_ipython"}
# Statements that may read what they set themselves, as `for i in ...: print(i)` does; `x = x + 1` may not.
_COMPOUND = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.With, ast.If, ast.Try, ast.TryStar, ast.Match)
_NOW = "_evaluated_at_once"


def free_names(code: str, defined: Iterable[str] = ()) -> list[str]:
    r"""List the names that `code` reads without having set them: neither itself, nor a builtin, nor `defined`.

    Statements at the top level are read in order. The body of a function runs later, so it may use any name that the
    cell sets anywhere.

    Raises:
        SyntaxError: `code` is not plain Python.

    >>> free_names("def area(box):\n    return scale * width(box)\n\ndef width(box):\n    return box[2] - box[0]")
    ['scale']
    >>> free_names("boxes = boxes + 1")
    ['boxes']
    """
    known = _KNOWN | set(defined)
    free: dict[str, None] = {}  # an ordered set
    later: list[str] = []
    for statement in ast.parse(code).body:
        table = _table(statement)
        sets = _sets(table)
        reads, late_reads = _reads(table)
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            reads.append(statement.target.id)  # symtable counts `x += 1` as setting x only
        walrus = any(isinstance(node, ast.NamedExpr) for node in ast.walk(statement))
        at_once = known | sets if walrus or isinstance(statement, _COMPOUND) else known
        free.update((name, None) for name in reads if name not in at_once)
        later += late_reads
        known |= sets
    free.update((name, None) for name in later if name not in known)
    return list(free)


def set_names(code: str) -> set[str]:
    r"""Return the names that `code` sets at its top level.

    Raises:
        SyntaxError: `code` is not plain Python.

    >>> sorted(set_names("import torch\nfrom math import pi as tau\nfor i in range(3): last = i"))
    ['i', 'last', 'tau', 'torch']
    """
    return {name for statement in ast.parse(code).body for name in _sets(_table(statement))}


class _Wrap(ast.NodeTransformer):
    """Put each comprehension into a function of its own, which it no longer is for symtable from Python 3.12 on."""

    def _wrap(self, node: Any) -> ast.expr:
        self.generic_visit(node)
        arguments = ast.arguments(posonlyargs=[], args=[ast.arg(_NOW)], kwonlyargs=[], kw_defaults=[], defaults=[])
        return ast.Lambda(args=arguments, body=node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _wrap


def _table(statement: ast.stmt) -> symtable.SymbolTable:
    wrapped = _Wrap().visit(ast.parse(ast.unparse(statement)))
    return symtable.symtable(ast.unparse(wrapped), "cell", "exec")


def _sets(table: symtable.SymbolTable) -> set[str]:
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _reads(table: symtable.SymbolTable) -> tuple[list[str], list[str]]:
    """List the module-level names that a scope reads: at once, and when a function inside it is called."""
    symbols = [symbol for symbol in table.get_symbols() if symbol.is_referenced()]
    if table.get_type() != "module":
        symbols = [symbol for symbol in symbols if symbol.is_global() and not symbol.is_assigned()]
    now, later = [symbol.get_name() for symbol in symbols], []
    for child in table.get_children():
        at_once, late = _reads(child)
        now += at_once if _NOW in child.get_identifiers() or child.get_type() == "class" else []
        later += late if _NOW in child.get_identifiers() or child.get_type() == "class" else at_once + late
    return now, later
