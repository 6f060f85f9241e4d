"""What labs with controls share: names and states for those who hear a page, and marks that are seen in both themes.

ipywidgets names neither a slider nor a group of toggle buttons, and tells the chosen button by a shade alone; and
JupyterLab takes the arrow keys from a list that has the focus. A small widget without a face, `Names`, mends that in
the page (`static/panel.js`, `static/panel.css`).
"""

from typing import Any

import anywidget
import ipywidgets
import traitlets

from gk_utils.labs.canvas import STATIC


class Names(anywidget.AnyWidget):
    """Gives the controls of the panel around it names and states; itself it shows nothing."""

    _esm = STATIC / "panel.js"
    _css = STATIC / "panel.css"


class Panel(ipywidgets.VBox):
    """A column of controls and pictures; to the children that a lab gives it, it adds one that nobody sees.

    >>> panel = Panel([ipywidgets.FloatSlider(description="threshold")])
    >>> [type(child).__name__ for child in panel.children]
    ['FloatSlider', 'Names']
    """

    def __init__(self, children: Any = (), **kwargs: Any) -> None:
        self._names = Names(layout={"display": "none"})
        super().__init__(children, **kwargs)
        self.add_class("gk-panel")

    @traitlets.validate("children")
    def _with_names(self, proposal: Any) -> tuple[ipywidgets.Widget, ...]:
        return (*(child for child in proposal.value if child is not self._names), self._names)
