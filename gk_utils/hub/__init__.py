"""Published checkpoints behind the protocols of the course: the hub tier. It needs the extra "hub" (transformers).

    from gk_utils import hub
    detector = hub.try_load("grounding-dino-tiny")     # None, and one line that says why, where it cannot be had

`published_models` is the table; `fetch` gets a model onto this machine, `half_precision` runs it and looks at its
numbers, `hub_errors` says what went wrong and what to do. The adapters, one for each kind of output: `open_detectors`,
`promptable` (segmenters), `captioners`, `chat_grounders`, `similarity`. `hub_check` is `doctor --hub`.
Nothing is downloaded before `load` is called.
"""

from gk_utils.hub.hub_errors import HubError
from gk_utils.hub.loading import load, load_transformers, try_load
from gk_utils.hub.published_models import MODELS, Published, as_text

__all__ = ["MODELS", "HubError", "Published", "as_text", "load", "load_transformers", "try_load"]
