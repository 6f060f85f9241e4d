"""The cell of a lesson that shows its lab, and the statements before it that the lab needs."""

import ast
from collections.abc import Sequence
from pathlib import Path
from symtable import symtable

import nbformat


def lab_cells(notebook: Path) -> list[str]:
    """Two cells, what a notebook's lab needs and the cell that shows it; empty where the notebook has no lab."""
    nodes = nbformat.read(notebook, as_version=4).cells
    return cells_towards([cell.source for cell in nodes if cell.cell_type == "code"])


def cells_towards(sources: Sequence[str]) -> list[str]:
    """Of the statements before the cell with the lab, those that bind or change a name that is read later on.

    So a lab is shown without the figures and the measurements of its lesson.
    """
    trees = [ast.parse(source) for source in sources]
    found = [number for number, tree in enumerate(trees) if shows_lab(tree)]
    if not found:
        return []
    (last,) = found
    kept: list[str] = []
    needed = _read(trees[last])
    for statement in reversed([statement for tree in trees[:last] for statement in tree.body]):
        bound = _bound(statement)
        if needed & (bound | _changed(statement)):
            kept.insert(0, ast.unparse(statement))
            needed = (needed - bound) | _read(statement)
    return ["\n".join(kept), sources[last]]


def shows_lab(tree: ast.Module) -> bool:
    """Whether a cell takes a lab from the package and calls it."""
    labs = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gk_utils.labs.")
        for alias in node.names
        if alias.name.endswith(("_lab", "Lab"))
    }
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(called, ast.Name) and called.id in labs for called in calls)


def _read(tree: ast.AST) -> set[str]:
    """Names that a statement takes from before it: not those of its functions, comprehensions and loops."""
    tables = [symtable(ast.unparse(tree), "cell", "exec")]
    read = {name.get_name() for name in tables[0].get_symbols() if name.is_referenced()}
    for table in tables:
        tables += table.get_children()
        read |= {name.get_name() for name in table.get_symbols() if name.is_global()}
    loops = [node.target for node in ast.walk(tree) if isinstance(node, ast.For)]
    return read - {node.id for loop in loops for node in ast.walk(loop) if isinstance(node, ast.Name)}


def _bound(tree: ast.AST) -> set[str]:
    """Names that a statement makes."""
    symbols = symtable(ast.unparse(tree), "cell", "exec").get_symbols()
    return {name.get_name() for name in symbols if name.is_assigned() or name.is_imported()}


def _changed(tree: ast.AST) -> set[str]:
    """Names whose value a statement changes: an item or attribute set, a method called for what it does."""
    changed: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Subscript(value=ast.Name(id=name), ctx=ast.Store())
                | ast.Attribute(value=ast.Name(id=name), ctx=ast.Store())
                | ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name))))
            ):
                changed.add(name)
    return changed
