"""A tiny SamModel of transformers with weights that matter, and prompts for it."""

import torch
from torch import Tensor, nn


def perturbed(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in eval mode, every number of its state moved: what starts at zero or one cannot hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in module.state_dict().values():
            if value.is_floating_point():
                value.add_(0.2 * torch.randn(value.shape, generator=generator, dtype=value.dtype))
    return module.eval()


def tiny_sam(**vision: object) -> nn.Module:
    """transformers' model at 64 px, 4 x 4 patches: windows of 3, which do not fill the grid, and a global layer."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    sizes = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
    sizes |= {"output_channels": 32, "window_size": 3, "global_attn_indexes": [1], "num_pos_feats": 16, "mlp_dim": 40}
    torch.manual_seed(0)
    model = SamModel(
        SamConfig(
            vision_config=SamVisionConfig(**{**sizes, **vision}),
            prompt_encoder_config=SamPromptEncoderConfig(hidden_size=32, image_size=64, mask_input_channels=8),
            mask_decoder_config=SamMaskDecoderConfig(
                **{"hidden_size": 32, "mlp_dim": 48, "num_attention_heads": 4, "iou_head_hidden_dim": 20},
            ),
        )
    )
    # Waves of a high frequency would make any rounding visible; the published ones are of scale 1.
    model.shared_image_embedding.positional_embedding.data.div_(12)
    return perturbed(model)


def some_prompts(dtype: torch.dtype) -> dict[str, Tensor]:
    """Two pictures with three prompts each: points with labels, boxes, and one mask a picture, as transformers has."""
    generator = torch.Generator().manual_seed(1)
    points = 64 * torch.rand(2, 3, 2, 2, generator=generator, dtype=dtype)
    corner = 32 * torch.rand(2, 3, 2, generator=generator, dtype=dtype)
    return {
        "pixel_values": torch.randn(2, 3, 64, 64, generator=generator, dtype=dtype),
        "input_points": points,
        "input_labels": torch.tensor([[[1, 0], [1, -1], [0, -10]], [[1, 1], [-10, 1], [1, 0]]]),
        "input_boxes": torch.cat([corner, corner + 20], -1),
        "input_masks": 3 * torch.randn(2, 1, 16, 16, generator=generator, dtype=dtype),
    }


# Ours: 8 x 8 cells of 8 px, masks of 32 x 32.
TINY = {
    **{"image_side": 64, "patch": 8, "width": 16, "layers": 2, "heads": 2, "inner": 24, "window": 3},
    **{"global_layers": [1], "out_width": 32, "decoder_heads": 2, "decoder_inner": 32, "iou_inner": 16},
    **{"mask_width": 8, "scenes": 2, "prompts": 4, "rounds": 2},
}
