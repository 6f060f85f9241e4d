"""A Sphinx extension: formulas as MathML, which browsers draw themselves, so that a page loads nothing for them."""

from typing import Any


def mathml(latex: str, display: bool) -> str:
    r"""A formula as a MathML element, with its LaTeX for readers without MathML.

    >>> mathml(r"\frac{1}{2}", display=False)[:60]
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="in'

    Raises:
        ValueError: a formula that cannot be read.
    """
    from latex2mathml.converter import convert

    try:
        return convert(latex, display="block" if display else "inline")
    except Exception as error:  # the library has no common class of its errors
        raise ValueError(f"formula: expected LaTeX, got {latex!r} ({error}). Correct it in the lesson.") from error


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer under the name mathml."""
    from docutils import nodes

    def inline(translator: Any, node: Any) -> None:
        translator.body.append(mathml(node.astext(), display=False))
        raise nodes.SkipNode

    def block(translator: Any, node: Any) -> None:
        translator.body.append(f'<div class="math">{mathml(node.astext(), display=True)}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
