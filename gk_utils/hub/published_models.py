"""The published models that the course knows: one table, and which classes of transformers read each kind.

Sizes of downloads follow from the parameters and how they are stored. The memory on a GPU is an estimate: the weights,
and what one picture of the model's own size needs. It was counted on a CPU and not measured on a card.
"""

from dataclasses import dataclass
from typing import Literal

from gk_utils.errors import check_choice

T4_GB = 15.0  # what a 16 GB card leaves to a program


@dataclass(frozen=True)
class Kind:
    """How all models of one kind are read.

    Attributes:
        model, processor: names of classes in transformers.
        module, adapter: the class of the course around them, and its module in gk_utils.hub.
        halved: what is in half precision on a GPU: "work", with the weights left as they are, or "weights" too.
        offers: the protocols of gk_utils.protocols that the adapter has, and what it has beside them.
    """

    model: str
    processor: str
    module: str
    adapter: str
    halved: Literal["work", "weights"]
    offers: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "grounding_dino": Kind(
        *("GroundingDinoForObjectDetection", "GroundingDinoProcessor", "open_detectors", "PublishedDino"),
        *("work", ("Detector", "Grounder")),
    ),
    "mm_grounding_dino": Kind(
        *("MMGroundingDinoForObjectDetection", "GroundingDinoProcessor", "open_detectors", "PublishedDino"),
        *("work", ("Detector", "Grounder")),
    ),
    "owlv2": Kind(
        *("Owlv2ForObjectDetection", "Owlv2Processor", "open_detectors", "PublishedOwl"),
        *("work", ("Detector", "Grounder")),
    ),
    "sam": Kind("SamModel", "SamProcessor", "promptable", "PublishedSam", "work", ("Segmenter",)),
    "sam2": Kind("Sam2Model", "Sam2Processor", "promptable", "PublishedSam", "work", ("Segmenter",)),
    "sam3": Kind("Sam3TrackerModel", "Sam3TrackerProcessor", "promptable", "PublishedSam", "work", ("Segmenter",)),
    "sam3_text": Kind(
        *("Sam3Model", "Sam3Processor", "open_detectors", "PublishedConcepts"),
        *("work", ("Detector", "Grounder", "masks")),
    ),
    "clip": Kind("CLIPModel", "CLIPProcessor", "similarity", "PublishedClip", "work", ("similarity",)),
    "kosmos2": Kind(
        *("Kosmos2ForConditionalGeneration", "Kosmos2Processor", "captioners", "PublishedKosmos"),
        *("weights", ("Grounder", "caption")),
    ),
    "florence2": Kind(
        *("Florence2ForConditionalGeneration", "Florence2Processor", "captioners", "PublishedFlorence"),
        *("weights", ("Detector", "Grounder", "caption")),
    ),
    "qwen2_5_vl": Kind(
        *("Qwen2_5_VLForConditionalGeneration", "Qwen2_5_VLProcessor", "chat_grounders", "PublishedQwen"),
        *("weights", ("Grounder", "answer")),
    ),
    "qwen3_vl": Kind(
        *("Qwen3VLForConditionalGeneration", "Qwen3VLProcessor", "chat_grounders", "PublishedQwen"),
        *("weights", ("Grounder", "answer")),
    ),
}


@dataclass(frozen=True)
class Published:
    """One row of the table.

    Attributes:
        name: what the course calls it.
        repository: its owner and name at the hub.
        kind: a key of KINDS.
        licence: of the weights.
        millions: of parameters.
        download_gb: size of the files that are fetched, in 10^9 bytes.
        half_gb, full_gb: memory that it needs on a GPU in half precision and in float32, in 10^9 bytes; estimates.
        revision: branch, tag or commit; None: the newest.
        gated: its weights are given to those alone who have accepted the licence on its page.
    """

    name: str
    repository: str
    kind: str
    licence: str
    millions: float
    download_gb: float
    half_gb: float
    full_gb: float
    revision: str | None = None
    gated: bool = False

    @property
    def page(self) -> str:
        """Where its licence and its files are shown."""
        return f"https://huggingface.co/{self.repository}"

    @property
    def on_t4(self) -> str:
        """What a 16 GB T4 holds: "half and full", "half" or "too large"."""
        if self.full_gb <= T4_GB:
            return "half and full"
        return "half" if self.half_gb <= T4_GB else "too large"


_DINO, _OWL, _SAM, _SAM2 = "grounding_dino", "owlv2", "sam", "sam2"
_FREE, _SAM_LICENCE, _RESEARCH = "Apache-2.0", "SAM License", "Qwen Research License, no commercial use"
# fmt: off
_ROWS = (
    Published("grounding-dino-tiny", "IDEA-Research/grounding-dino-tiny", _DINO, _FREE, 172, 0.7, 2, 3),
    Published("grounding-dino-base", "IDEA-Research/grounding-dino-base", _DINO, _FREE, 232, 0.95, 2.5, 3.5),
    Published("mm-grounding-dino-tiny", "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det",
              "mm_grounding_dino", _FREE, 173, 0.7, 2, 3),
    Published("owlv2-base", "google/owlv2-base-patch16-ensemble", _OWL, _FREE, 155, 0.65, 1.5, 2),
    Published("owlv2-large", "google/owlv2-large-patch14-ensemble", _OWL, _FREE, 438, 1.8, 3.5, 5),
    Published("sam-vit-base", "facebook/sam-vit-base", _SAM, _FREE, 94, 0.4, 2.5, 3.2),
    Published("sam-vit-large", "facebook/sam-vit-large", _SAM, _FREE, 312, 1.3, 3.5, 4.5),
    Published("sam-vit-huge", "facebook/sam-vit-huge", _SAM, _FREE, 641, 2.6, 4.5, 6),
    Published("sam2.1-tiny", "facebook/sam2.1-hiera-tiny", _SAM2, _FREE, 39, 0.2, 1.2, 1.8),
    Published("sam2.1-small", "facebook/sam2.1-hiera-small", _SAM2, _FREE, 46, 0.2, 1.3, 1.9),
    Published("sam2.1-base-plus", "facebook/sam2.1-hiera-base-plus", _SAM2, _FREE, 81, 0.35, 1.6, 2.3),
    Published("sam3", "facebook/sam3", "sam3", _SAM_LICENCE, 840, 3.5, 5, 7, gated=True),
    Published("sam3-text", "facebook/sam3", "sam3_text", _SAM_LICENCE, 840, 3.5, 5.5, 8, gated=True),
    Published("clip-vit-large", "openai/clip-vit-large-patch14", "clip", "MIT (of its code)", 428, 1.7, 2.5, 3),
    Published("kosmos-2", "microsoft/kosmos-2-patch14-224", "kosmos2", "MIT", 1665, 6.7, 4.5, 8),
    Published("florence-2-base", "florence-community/Florence-2-base", "florence2", "MIT", 232, 1, 1.5, 2),
    Published("florence-2-large", "florence-community/Florence-2-large", "florence2", "MIT", 777, 3.2, 3, 5),
    Published("qwen2.5-vl-3b", "Qwen/Qwen2.5-VL-3B-Instruct", "qwen2_5_vl", _RESEARCH, 3755, 7.6, 9.5, 17),
    Published("qwen3-vl-2b", "Qwen/Qwen3-VL-2B-Instruct", "qwen3_vl", _FREE, 2128, 4.3, 6, 11),
)
# fmt: on
MODELS: dict[str, Published] = {row.name: row for row in _ROWS}


def find(name: str) -> Published:
    """The row of that name.

    Raises:
        ValueError: no such model; lists those there are.

    >>> find("sam-vit-base").repository
    'facebook/sam-vit-base'
    """
    check_choice(name, MODELS, "name")
    return MODELS[name]


def as_text() -> str:
    """The table for people, one line a model.

    >>> print(as_text().splitlines()[1])
    grounding-dino-tiny         172 M    0.7 GB   2.0 / 3.0 GB   half and full   Apache-2.0
    """
    lines = ["model                 parameters  download  GPU half/full   fits a T4       licence"]
    for row in MODELS.values():
        memory = f"{row.half_gb:.1f} / {row.full_gb:.1f} GB"
        gate = ", on request" if row.gated else ""
        lines.append(
            f"{row.name:23} {row.millions:7.0f} M  {row.download_gb:5.1f} GB  {memory:>13}   "
            f"{row.on_t4:13}   {row.licence}{gate}"
        )
    return "\n".join(lines)
