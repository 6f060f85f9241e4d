"""How fast the course's Grounding DINO is, against transformers', at the size of the published tiny one.

Random weights: speed does not depend on them, and none have to be downloaded. Both models share the backbones, Swin and
BERT, and have equal weights behind them. On CUDA four pictures of 800 x 1066; the peer computes in float32 throughout,
as its user would find it, ours also with shorter products (TF32) and with float16 where autocast allows it. A CPU gets
one small picture.

Which cells become queries is a sort of thousands of scores, and two that nearly tie may change places from one way of
computing to another; each rank has a learned content of its own, so such a query's box changes by much, in transformers
as well as here. `max_error` is therefore over the queries that came from the same cell in both, and `same_cells` says
how large their share is.

Needs transformers 5.23: 5.17 to 5.22, as their sources read, put the full stops of a prompt at place 0 and round the
encoding of its places to whole numbers, and `max_error` against them is about 1.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gk_utils.bench.timing import SECONDS, largest_difference, not_run, row
from gk_utils.grounding_dino import of_transformers

PICTURES, IMAGE_HW, SMALL_HW = 4, (800, 1066), (320, 426)
WHOLE = 0.1  # a smaller scale takes a smaller model too
PROMPT = (101, 1037, 4937, 1012, 1037, 2417, 4937, 2006, 1996, 2187, 1012, 102)  # a cat. a red cat on the left.


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """Pictures and a prompt to boxes; `scale` below a tenth takes a tiny model and a tiny picture."""
    cuda = torch.device(device).type == "cuda"
    b, hw = (PICTURES, IMAGE_HW) if cuda else (1, SMALL_HW)
    if scale < WHOLE:
        hw = (64, 96)
    case = f"{b} x {hw[0]} x {hw[1]}, {len(PROMPT)} tokens"
    if importlib.util.find_spec("transformers") is None:
        return [not_run(case, device, "transformers is not installed", peer="transformers")]
    theirs = peer(scale >= WHOLE).to(device)
    models = of_transformers(theirs), theirs
    images = torch.randn(b, 3, *hw, generator=torch.Generator().manual_seed(1)).to(device)
    inputs = images, torch.tensor([PROMPT] * b, device=device)
    found = [_row(case, models, inputs, scale)]
    if cuda:
        found += [_row(f"{case}, TF32", models, inputs, scale, tf32=True)]
        found += [_row(f"{case}, autocast", models, inputs, scale, tf32=True, half=True)]
    return found


def peer(published: bool) -> nn.Module:
    """The model of transformers with random weights; none of them is zero, as boxes and fusion are at first."""
    from transformers import BertConfig, GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    maps = {"out_features": ["stage2", "stage3", "stage4"]}
    if published:
        swin = SwinConfig(depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24], embed_dim=96, window_size=7, **maps)
        config = GroundingDinoConfig(backbone_config=swin, text_config=BertConfig())
    else:
        heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
        swin = SwinConfig(image_size=64, embed_dim=16, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=4, **maps)
        bert = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
        layers = {"encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
        sizes = {"d_model": 32, "num_queries": 10, "max_text_len": 32}
        config = GroundingDinoConfig(backbone_config=swin, text_config=bert, **heads, **layers, **sizes)
    torch.manual_seed(0)
    model = GroundingDinoForObjectDetection(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "bbox_embed" in name or name.endswith("_param"):
                value.normal_(std=0.05)
    return model


def _row(
    case: str,
    models: tuple[nn.Module, nn.Module],
    inputs: tuple[Tensor, Tensor],
    scale: float,
    *,
    tf32: bool = False,
    half: bool = False,
) -> dict[str, Any]:
    (ours, theirs), (images, ids) = models, inputs
    device = images.device.type

    def with_products(short: bool, action: Callable[[], Tensor]) -> Tensor:
        before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = short
        try:
            with torch.no_grad():
                return action()
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before

    def find() -> Any:
        with torch.autocast(device, torch.float16, enabled=half):
            return ours(images, ids)

    def run_theirs() -> Any:
        return theirs(images, ids, attention_mask=torch.ones_like(ids))

    mine = with_products(tf32, find)
    other = with_products(False, run_theirs)
    cells = other.enc_outputs_class[..., : ids.shape[1]].amax(-1).topk(mine.boxes_cxcywh.shape[1], dim=1).indices
    same = mine.selected.cells == cells
    return {
        **row(
            case,
            device=device,
            dtype="float16" if half else "float32",
            ours=lambda: with_products(tf32, lambda: find().boxes_cxcywh),
            peer="transformers, float32",
            theirs=lambda: with_products(False, lambda: run_theirs().pred_boxes),
            seconds=3 * SECONDS * min(1, scale),
        ),
        "max_error": largest_difference([mine.boxes_cxcywh[same].float()], [other.pred_boxes[same]]),
        "same_cells": same.float().mean().item(),
    }
