"""The published weights in the model of this package: transformers' names for the same tensors.

`of_transformers` takes a `SamModel` with whatever weights it has and returns a `SegmentAnything` with a copy of them.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gk_utils.segment_anything.sam import SegmentAnything
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings

_LEFT_OUT = "prompt_encoder.shared_embedding.positional_embedding"  # the same tensor under a second name
# What transformers calls it -> what it is called here; every pattern that fits is applied, in this order.
_RENAMED: tuple[tuple[str, str], ...] = (
    (r"^shared_image_embedding\.positional_embedding$", "prompt_encoder.places.waves"),
    (r"^vision_encoder\.", "image_encoder."),
    (r"^image_encoder\.patch_embed\.projection\.", "image_encoder.patches."),
    (r"^image_encoder\.pos_embed$", "image_encoder.places"),
    (r"^image_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
    (r"^image_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
    (r"^image_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
    (r"^image_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
    (r"^(image_encoder\.layers\.\d+\.)layer_norm1\.", r"\1norm_attention."),
    (r"^(image_encoder\.layers\.\d+\.)layer_norm2\.", r"\1norm_network."),
    (r"^(image_encoder\.layers\.\d+\.)attn\.proj\.", r"\1attention.project."),
    (r"^(image_encoder\.layers\.\d+\.)attn\.rel_pos_h$", r"\1attention.rows"),
    (r"^(image_encoder\.layers\.\d+\.)attn\.rel_pos_w$", r"\1attention.columns"),
    (r"^(image_encoder\.layers\.\d+\.)attn\.", r"\1attention."),
    (r"\.mlp\.lin1\.", ".network.0."),
    (r"\.mlp\.lin2\.", ".network.2."),
    (r"^prompt_encoder\.not_a_point_embed\.", "prompt_encoder.padding."),
    (r"^prompt_encoder\.no_mask_embed\.", "prompt_encoder.no_mask."),
    (r"^prompt_encoder\.mask_embed\.conv1\.", "prompt_encoder.shrink_mask.0."),
    (r"^prompt_encoder\.mask_embed\.layer_norm1\.", "prompt_encoder.shrink_mask.1."),
    (r"^prompt_encoder\.mask_embed\.conv2\.", "prompt_encoder.shrink_mask.3."),
    (r"^prompt_encoder\.mask_embed\.layer_norm2\.", "prompt_encoder.shrink_mask.4."),
    (r"^prompt_encoder\.mask_embed\.conv3\.", "prompt_encoder.shrink_mask.6."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)self_attn\.", r"\1among_tokens."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)cross_attn_token_to_image\.", r"\1from_picture."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)cross_attn_image_to_token\.", r"\1from_tokens."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)layer_norm1\.", r"\1norm_among."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)layer_norm2\.", r"\1norm_picture."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)layer_norm3\.", r"\1norm_network."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.)layer_norm4\.", r"\1norm_cells."),
    (r"^mask_decoder\.transformer\.final_attn_token_to_image\.", "mask_decoder.transformer.last_look."),
    (r"^mask_decoder\.transformer\.layer_norm_final_attn\.", "mask_decoder.transformer.norm."),
    (r"^(mask_decoder\.transformer\..*)\.(q|k|v|out)_proj\.", r"\1.\2@"),
    (r"\.q@", ".query."),
    (r"\.k@", ".key."),
    (r"\.v@", ".value."),
    (r"\.out@", ".project."),
    (r"^mask_decoder\.upscale_conv1\.", "mask_decoder.upscale.0."),
    (r"^mask_decoder\.upscale_layer_norm\.", "mask_decoder.upscale.1."),
    (r"^mask_decoder\.upscale_conv2\.", "mask_decoder.upscale.3."),
    (r"^mask_decoder\.output_hypernetworks_mlps\.", "mask_decoder.hypernetworks."),
    (r"^mask_decoder\.iou_prediction_head\.", "mask_decoder.iou_head."),
)
_MLP = re.compile(r"^(mask_decoder\.(?:hypernetworks\.\d+|iou_head)\.)(proj_in|layers\.(\d+)|proj_out)\.")
_OURS = ("image_encoder.", "prompt_encoder.", "mask_decoder.")


def settings_of(config: Any) -> SegmentAnythingSettings:
    """The sizes of a `SamConfig`.

    Raises:
        ValueError: something that no published model has.
    """
    vision, prompt, decoder = config.vision_config, config.prompt_encoder_config, config.mask_decoder_config
    wanted = (
        *((vision, name, True) for name in ("use_abs_pos", "use_rel_pos")),
        *((vision, "hidden_act", "gelu"), (prompt, "hidden_act", "gelu"), (decoder, "hidden_act", "relu")),
        *((part, "layer_norm_eps", 1e-6) for part in (vision, prompt, decoder)),
        *((vision, "num_channels", 3), (prompt, "num_point_embeddings", 4)),
        *((part, "hidden_size", vision.output_channels) for part in (prompt, decoder)),
        *((vision, "num_pos_feats", vision.output_channels // 2), (prompt, "image_size", vision.image_size)),
        (prompt, "patch_size", vision.patch_size),
    )
    for part, name, value in wanted:
        if (found := getattr(part, name)) != value:
            raise ValueError(
                f"config: expected {name} = {value!r} in {type(part).__name__}, got {found!r}. "
                "Use transformers' own class for it."
            )
    return SegmentAnythingSettings(
        image_side=vision.image_size,
        patch=vision.patch_size,
        width=vision.hidden_size,
        layers=vision.num_hidden_layers,
        heads=vision.num_attention_heads,
        inner=vision.mlp_dim,
        window=vision.window_size,
        global_layers=tuple(vision.global_attn_indexes),
        qkv_bias=vision.qkv_bias,
        out_width=vision.output_channels,
        decoder_layers=decoder.num_hidden_layers,
        decoder_heads=decoder.num_attention_heads,
        decoder_inner=decoder.mlp_dim,
        shrink=decoder.attention_downsample_rate,
        masks=decoder.num_multimask_outputs,
        iou_layers=decoder.iou_head_depth,
        iou_inner=decoder.iou_head_hidden_dim,
        mask_width=prompt.mask_input_channels,
    )


def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of transformers' `SamModel` with the names of this one.

    Raises:
        ValueError: a name that is not one of transformers' SAM.

    >>> list(rename({"vision_encoder.layers.0.attn.rel_pos_h": torch.zeros(1)}))
    ['image_encoder.layers.0.attention.rows']
    """
    last = {}  # the number of the last layer of each small network
    for name in state:
        if found := re.match(
            r"^mask_decoder\.(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.(\d+)", name
        ):
            last[found[1]] = max(last.get(found[1], 0), int(found[2]) + 1)
    renamed = {}
    for name, value in state.items():
        if name == _LEFT_OUT:
            continue
        ours = name
        for theirs, new in _RENAMED:
            ours = re.sub(theirs, new, ours)
        if found := _MLP.match(ours):
            part = name.removeprefix("mask_decoder.").partition(".proj_")[0].partition(".layers.")[0]
            number = {"proj_in": 0, "proj_out": last.get(part, 0) + 1}.get(found[2], int(found[3] or 0) + 1)
            ours = f"{found[1]}layers.{number}.{ours[found.end() :]}"
        if not ours.startswith(_OURS) and re.match(r"^prompt_encoder\.point_embed\.", ours) is None:
            raise ValueError(f"state: expected names of transformers' SAM, got {name!r}. Is it another model?")
        renamed[ours] = value
    kinds = sorted(name for name in renamed if name.startswith("prompt_encoder.point_embed."))
    if kinds:
        renamed["prompt_encoder.kinds.weight"] = torch.cat([renamed.pop(name) for name in kinds])
    return renamed


def of_transformers(model: nn.Module) -> SegmentAnything:
    """The same model as one of this package, on the same device, in eval mode.

    Its pictures are RGB in [0, 1] and square, of `settings.image_side`; transformers' are normalised already.

    Raises:
        ValueError: sizes that no published model has, or another model.
    """
    ours = SegmentAnything(settings_of(model.config))
    ours.load_state_dict(rename(model.state_dict()))
    return ours.to(model.device, model.dtype).eval()
