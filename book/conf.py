"""Sphinx settings of the web book. Nothing is loaded from elsewhere: no fonts, no scripts, no formulas' renderer."""

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
html_css_files = ["book.css"]
html_show_sphinx = False
html_copy_source = False
html_math_renderer = "mathml"
nb_execution_mode = "off"  # the committed outputs are shown; the tests run the notebooks
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
templates_path: list[str] = []
exclude_patterns = ["_build"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_custom_sections = ["Source"]
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure"]
