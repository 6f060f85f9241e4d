"""Sphinx settings of the web book. Nothing is loaded from elsewhere: no fonts, no scripts, no formulas' renderer."""

import re

project = "Visual grounding, hands on"
author = "The authors of the course"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "gk_utils.book.math_renderer",
]
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["book.css", "lab/canvas.css"]
html_favicon = "_static/favicon.svg"
pygments_dark_style = "github-dark"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_math_renderer = "mathml"
nb_execution_mode = "off"  # the committed outputs are shown; the tests run the notebooks
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
templates_path: list[str] = []
exclude_patterns = ["_build"]
default_role = "code"  # `x` in a docstring
autodoc_typehints = "signature"
add_module_names = False
autodoc_member_order = "bysource"
napoleon_custom_sections = ["Source"]
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure", "ref.python"]
napoleon_use_ivar = True  # what a docstring says of its attributes, and not a second entry for each


def setup(app):
    """Docstrings are plain text: |x| and x * y mean themselves, and what a module indents is a drawing."""
    app.connect("autodoc-process-docstring", as_plain_text, priority=400)


def as_plain_text(app, what, *rest):
    """Rewrite the lines of a docstring, the last argument, in place; examples stay as they are."""
    lines = rest[-1]
    found, example, drawing = [], False, False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        indented = what == "module" and line.startswith("    ")
        if indented and not drawing:
            found += ["", "::", ""]
            drawing = True
        elif drawing and line.strip() and not indented:
            found.append("")
            drawing = False
        plain = re.sub(r"(?<!`)([|*])(?!`)", r"\\\1", line)
        found.append(line if example or drawing else re.sub(r"(?<!`)(`[^`]+`)(?=[a-z])", r"\1\\ ", plain))
    lines[:] = found
