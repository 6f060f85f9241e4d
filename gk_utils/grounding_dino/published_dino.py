"""The published weights in the model of this package: transformers' backbones, and its names for the same tensors.

`of_transformers` takes a `GroundingDinoForObjectDetection` or an `MMGroundingDinoForObjectDetection`, with whatever
weights it has, and returns a `GroundingDino` that shares its backbones and has a copy of everything behind them.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.grounding_dino.dino import GroundingDino
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings

_ATTENTION = {"out_proj": "project"}
_DEFORMABLE = {
    "sampling_offsets": "offsets",
    "attention_weights": "weights",
    "value_proj": "value",
    "output_proj": "project",
}
# What transformers calls it -> what it is called here, by the parts of a name; the first that fits is taken.
_RENAMED: tuple[tuple[str, str], ...] = (
    (r"model\.backbone\.conv_encoder\.", "image_backbone."),
    (r"model\.text_backbone\.", "text_encoder.model."),
    (r"model\.text_projection\.", "text_projection."),
    (r"model\.input_proj_vision\.", "pyramid.projections."),
    (r"model\.level_embed$", "pyramid.level_features"),
    (r"model\.query_position_embeddings\.", "selection.contents."),
    (r"model\.enc_output\.", "selection.project."),
    (r"model\.enc_output_norm\.", "selection.norm."),
    (r"model\.encoder_output_bbox_embed\.", "selection.box_head."),
    (r"model\.encoder_output_class_embed\.", "selection.logits."),
    (r"model\.encoder\.layers\.(\d+)\.fusion_layer\.", r"enhancer.layers.\1.fusion."),
    (r"model\.encoder\.layers\.(\d+)\.text_enhancer_layer\.", r"enhancer.layers.\1.text."),
    (r"model\.encoder\.layers\.(\d+)\.deformable_layer\.", r"enhancer.layers.\1.cells."),
    (r"model\.decoder\.layer_norm\.", "decoder.norm."),
    (r"model\.decoder\.reference_points_head\.", "decoder.place."),
    (r"model\.decoder\.layers\.", "decoder.layers."),
    (r"bbox_embed\.", "decoder.box_heads."),
    (r"class_embed\.0\.", "decoder.logits."),
)
_PARTS: dict[str, dict[str, str]] = {  # inside a layer, by where the layer is
    r"enhancer\.layers\.\d+\.fusion\.": {
        "layer_norm_vision": "norm_cells",
        "layer_norm_text": "norm_words",
        "attn.vision_proj": "cells",
        "attn.text_proj": "words",
        "attn.values_vision_proj": "cell_values",
        "attn.values_text_proj": "word_values",
        "attn.out_vision_proj": "project_cells",
        "attn.out_text_proj": "project_words",
        "vision_param": "scale_cells",
        "text_param": "scale_words",
    },
    r"enhancer\.layers\.\d+\.text\.": {
        **{f"self_attn.{theirs}": f"attention.{ours}" for theirs, ours in _ATTENTION.items()},
        "self_attn": "attention",
        "layer_norm_before": "norm",
        "fc1": "inner.widen",
        "fc2": "inner.narrow",
        "layer_norm_after": "inner.norm",
    },
    r"enhancer\.layers\.\d+\.cells\.": {
        **{f"self_attn.{theirs}": f"attention.{ours}" for theirs, ours in _DEFORMABLE.items()},
        "self_attn_layer_norm": "norm",
        "fc1": "inner.widen",
        "fc2": "inner.narrow",
        "final_layer_norm": "inner.norm",
    },
    r"decoder\.layers\.\d+\.": {
        "self_attn.out_proj": "among_queries.project",
        "self_attn": "among_queries",
        "self_attn_layer_norm": "norm_queries",
        "encoder_attn_text.out_proj": "on_words.project",
        "encoder_attn_text": "on_words",
        "encoder_attn_text_layer_norm": "norm_words",
        **{f"encoder_attn.{theirs}": f"on_cells.{ours}" for theirs, ours in _DEFORMABLE.items()},
        "encoder_attn_layer_norm": "norm_cells",
        "fc1": "inner.widen",
        "fc2": "inner.narrow",
        "final_layer_norm": "inner.norm",
    },
}
# Copies of tensors that stand elsewhere, and tables that a Swin transformer computes itself.
_LEFT_OUT = re.compile(r"model\.decoder\.(bbox|class)_embed\.|class_embed\.[1-9]|.*relative_position_index$")


class TransformersImages(nn.Module):
    """A backbone of transformers, a Swin for instance, as an image backbone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.channels = model, tuple(model.channels)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Its feature maps."""
        return list(self.model(images).feature_maps)


class TransformersWords(nn.Module):
    """BERT of transformers as a text encoder: it is told who sees whom and where each token stands."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.width = model, model.config.hidden_size

    def forward(
        self, input_ids: Int[Tensor, "b t"], attends: Bool[Tensor, "b t t"], positions: Int[Tensor, "b t"]
    ) -> Float[Tensor, "b t _"]:
        """The features of its last layer."""
        of_one = torch.zeros_like(input_ids)
        return self.model(input_ids, attends[:, None], of_one, positions).last_hidden_state


def settings_of(config: Any) -> GroundingDinoSettings:
    """The sizes of a `GroundingDinoConfig` or an `MMGroundingDinoConfig`.

    Raises:
        ValueError: something that no published model has, such as learned places of cells.
    """
    wanted = {
        "two_stage": True,
        "embedding_init_target": True,
        "position_embedding_type": "sine",
        "activation_function": "relu",
        "query_dim": 4,
        "two_stage_bbox_embed_share": False,
        "layer_norm_eps": 1e-5,
        "positional_embedding_temperature": 20,
        "decoder_cls_embed_share": True,
        "decoder_attention_heads": config.encoder_attention_heads,
        "decoder_ffn_dim": config.encoder_ffn_dim,
        "decoder_n_points": config.encoder_n_points,
    }
    for name, value in wanted.items():
        found = getattr(config, name, value)
        if found != value:
            raise ValueError(f"config: expected {name} = {value!r}, got {found!r}. Use transformers' own class for it.")
    return GroundingDinoSettings(
        width=config.d_model,
        heads=config.encoder_attention_heads,
        inner=config.encoder_ffn_dim,
        enhancer_layers=config.encoder_layers,
        decoder_layers=config.decoder_layers,
        levels=config.num_feature_levels,
        points=config.encoder_n_points,
        queries=config.num_queries,
        max_tokens=config.max_text_len,
        shared_box_head=config.decoder_bbox_embed_share,
        scaled_logits=config.model_type.startswith("mm-"),
    )


def rename(state: Mapping[str, Tensor], *, shared_box_head: bool = True) -> dict[str, Tensor]:
    """A state dict of transformers' model with the names of this one; copies of a shared box head are left out.

    Raises:
        ValueError: a name that is neither's.

    >>> list(rename({"model.encoder.layers.0.deformable_layer.self_attn.value_proj.bias": torch.zeros(1)}))
    ['enhancer.layers.0.cells.attention.value.bias']
    """
    renamed = {}
    for name, value in state.items():
        if _LEFT_OUT.match(name) or (shared_box_head and re.match(r"bbox_embed\.[1-9]", name)):
            continue
        renamed[_rename(name)] = value
    return renamed


def _rename(name: str) -> str:
    for theirs, ours in _RENAMED:
        if re.match(theirs, name):
            name = re.sub(f"^{theirs}", ours, name)
            break
    else:
        raise ValueError(f"state: expected names of transformers' Grounding DINO, got {name!r}. Is it another model?")
    for where, parts in _PARTS.items():
        if found := re.match(where, name):
            rest = name[found.end() :]
            for theirs, ours in parts.items():
                if rest == theirs or rest.startswith(f"{theirs}."):
                    return name[: found.end()] + ours + rest.removeprefix(theirs)
    return name


def of_transformers(model: nn.Module) -> GroundingDino:
    """The same model as one of this package, on the same device, in eval mode.

    Raises:
        ValueError: sizes that no published model has, or another model.
    """
    settings = settings_of(model.config)
    images = TransformersImages(model.model.backbone.conv_encoder.model)
    ours = GroundingDino(settings, images, TransformersWords(model.model.text_backbone))
    ours.load_state_dict(rename(model.state_dict(), shared_box_head=settings.shared_box_head))
    return ours.to(model.device, model.dtype).eval()
