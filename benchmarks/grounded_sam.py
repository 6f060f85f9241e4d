"""How fast phrases become masks, against transformers' two models called one after the other.

On CUDA at the published sizes, Grounding DINO tiny and SAM ViT-H, with random weights: 8 pictures of 800 x 1066, a
prompt of 5 phrases, the 5 best boxes of each picture. The peer takes one picture at a time in float32, as its user
would find it; loading is not counted on either side. Ours has equal weights and takes the pictures together, boxes in
TF32, masks in half precision, no embedding kept from an earlier run; then with the image encoder compiled.

`max_error` is that of the boxes, in pixels, over those that both found (IoU 0.5 or more); `same_boxes` says how large
their share is: with random weights a rounding decides which of two equal cells becomes a query.

On a CPU the mini models, without a peer: pictures a second, and how often the image encoder ran.
"""

import importlib.util
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gk_utils.bench.running import load
from gk_utils.bench.timing import SECONDS, compare, not_run
from gk_utils.boxes import clip_boxes, cxcywh_to_xyxy, pairwise_iou
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scenes
from gk_utils.grounded_sam import GroundedSam
from gk_utils.grounded_sam.mini import load_pipeline
from gk_utils.grounded_sam.precision import compile_on
from gk_utils.grounding_dino import of_transformers as dino_of
from gk_utils.protocols import Detections
from gk_utils.segment_anything import MiniSegmenter
from gk_utils.segment_anything import of_transformers as sam_of

PICTURES, IMAGE_HW, BEST = 8, (800, 1066), 5
PHRASES = ("cat", "red cat", "mug", "plate", "toaster")
PROMPT = (101, 4937, 1012, 2417, 4937, 1012, 14757, 1012, 5127, 1012, 15174, 2121, 1012, 102)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WHOLE = 0.1  # a smaller scale takes tiny models and pictures
WORDS = ("mug", "plate", "bowl", "apple", "book")


class PublishedDetector:
    """Our Grounding DINO with a prompt that is tokenised already; it returns the BEST boxes, one for each phrase."""

    def __init__(self, model: nn.Module, prompt: Sequence[int]) -> None:
        self.model, self.prompt = model, prompt

    def detect(self, image: Tensor, phrases: Sequence[str]) -> Detections:
        """The best boxes of one picture."""
        return self.detect_batch([image], [phrases])[0]

    def detect_batch(self, images: Sequence[Tensor], phrases: Sequence[Sequence[str]]) -> list[Detections]:
        """The best boxes of several pictures of one size."""
        pixels = torch.stack(list(images))
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        found = self.model((pixels - mean) / std, torch.tensor([self.prompt] * len(images), device=pixels.device))
        hw = tuple(pixels.shape[2:])
        answers = zip(found.logits.sigmoid(), found.boxes_cxcywh, phrases, strict=True)
        return [Detections(*best_boxes(scores, boxes, hw), tuple(each), hw) for scores, boxes, each in answers]


class TransformersPipeline:
    """What a user writes first: two models and two processors, one picture after the other."""

    def __init__(self, dino: nn.Module, sam: nn.Module, prompt: Sequence[int], shortest: int) -> None:
        from transformers import GroundingDinoImageProcessor, SamImageProcessor, SamProcessor

        self.dino, self.sam, self.prompt = dino, sam, prompt
        longest, side = round(shortest * 1333 / 800), sam.config.vision_config.image_size
        self.for_dino = GroundingDinoImageProcessor(size={"shortest_edge": shortest, "longest_edge": longest})
        small = side // 4
        sizes = {"size": {"longest_edge": side}, "pad_size": {"height": side, "width": side}}
        sizes |= {"mask_size": {"longest_edge": small}, "mask_pad_size": {"height": small, "width": small}}
        self.for_sam = SamProcessor(SamImageProcessor(**sizes))

    @torch.no_grad()
    def __call__(self, images: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Boxes in pixels and masks of each picture."""
        device, found = self.dino.device, []
        for image in images:
            pixels = self.for_dino(images=image, return_tensors="pt").to(device)
            ids = torch.tensor([self.prompt], device=device)
            out = self.dino(**pixels, input_ids=ids, attention_mask=torch.ones_like(ids))
            boxes, _ = best_boxes(out.logits[0, :, : len(self.prompt)].sigmoid(), out.pred_boxes[0], image.shape[1:])
            inputs = self.for_sam(images=image, input_boxes=[boxes.tolist()], return_tensors="pt").to(device)
            sizes = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
            inputs["input_boxes"] = inputs["input_boxes"].float()
            masks = self.sam(**inputs, multimask_output=False).pred_masks
            cut = self.for_sam.image_processor.post_process_masks(masks.cpu(), *(size.cpu() for size in sizes))
            found.append((boxes, cut[0][:, 0]))
        return found


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """On CUDA both pipelines; on a CPU ours with the mini models, and for a quick look both with tiny ones."""
    cuda, whole = torch.device(device).type == "cuda", scale >= WHOLE
    found = [] if cuda else mini_rows(device, scale)
    if cuda or not whole:
        case = "SAM ViT-H, Grounding DINO tiny" if whole else "tiny models"
        if importlib.util.find_spec("transformers") is None:
            return [*found, not_run(case, device, "transformers is not installed", peer="transformers")]
        found += against_transformers(device, whole=whole, case=case)
    return found


def mini_rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """Growth with pictures and with phrases, nothing kept from run to run; then the same pictures again."""
    (few, many), most = ((1, 2), 2) if scale < WHOLE else ((4, 16), 5)
    images = list(render(draw_scenes(range(many), n=6), (256, 256), device).images)
    pipeline, _ = load_pipeline(device=device)
    found = []
    for pictures, phrases in ((few, 1), (many, 1), (few, most), (many, most)):
        some, words = images[:pictures], list(WORDS[:phrases])

        def run(some: list[Tensor] = some, words: list[str] = words) -> list[Tensor]:
            pipeline.cache.clear()
            return [one.boxes for one in pipeline(some, words)]

        before = pipeline.encoder_calls
        run()
        calls = pipeline.encoder_calls - before
        times = compare(run, _nothing, device, SECONDS * min(1, scale))
        found.append(_alone(f"{_counted(pictures, phrases)}", device, times["ours_ms"], pictures, calls))
    before = pipeline.encoder_calls
    times = compare(
        lambda: [one.boxes for one in pipeline(images, list(WORDS[:most]))], _nothing, device, SECONDS * min(1, scale)
    )
    calls = pipeline.encoder_calls - before
    return [*found, _alone(f"{_counted(many, most)}, again", device, times["ours_ms"], many, calls)]


def against_transformers(device: str, *, whole: bool, case: str) -> list[dict[str, Any]]:
    """Both pipelines on the same pictures and equal weights, by turns; compiled too where the device compiles."""
    theirs = load("grounding_dino").peer(whole).to(device), published_sam(whole).to(device)
    n, hw = (PICTURES, IMAGE_HW) if whole else (2, (64, 96))
    generator = torch.Generator().manual_seed(2)
    images = list(torch.randint(256, (n, 3, *hw), dtype=torch.uint8, generator=generator))
    plain = TransformersPipeline(*theirs, PROMPT, hw[0])
    segmenter = MiniSegmenter(sam_of(theirs[1]))
    pipeline = GroundedSam(PublishedDetector(dino_of(theirs[0]), PROMPT), segmenter, device=device, batch=n)

    def ours() -> list[Any]:
        pipeline.cache.clear()
        return pipeline(images, PHRASES)

    found = []
    for words in ("", ", compiled"):
        if words and not compile_on(segmenter.sam.image_encoder, device):
            break
        times = compare(
            lambda: [one.boxes for one in ours()],
            lambda: [boxes for boxes, _ in plain(images)],
            device,
            6.0 if whole else 0.02,
        )
        agreed = agreement(ours(), plain(images))
        about = {"case": f"{case}, {n} pictures x {len(PHRASES)} phrases{words}", "device": torch.device(device).type}
        about |= {"dtype": str(pipeline.half or torch.float32).removeprefix("torch."), "pass": "end-to-end"}
        found.append({**about, "peer": "transformers, one by one", "floor_ms": None, **agreed, **times})
    return found


def agreement(ours: Sequence[Any], theirs: Sequence[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Largest difference of boxes that both found, in pixels; the share of these boxes; mean IoU of their masks."""
    errors, ious, boxes = [0.0], [], 0
    for mine, (other, masks) in zip(ours, theirs, strict=True):
        best, which = pairwise_iou(other.cpu().float(), mine.boxes).max(1)
        for row in (best >= 0.5).nonzero()[:, 0].tolist():
            errors.append(float((other[row].cpu() - mine.boxes[which[row]]).abs().max()))
            mask = mine.mask(int(which[row]))
            ious.append(float((mask & masks[row]).sum() / (mask | masks[row]).sum().clamp(min=1)))
        boxes += len(other)
    mask_iou = sum(ious) / max(1, len(ious))
    return {"max_error": max(errors), "same_boxes": len(ious) / max(1, boxes), "mask_iou": mask_iou}


def best_boxes(scores: Tensor, boxes_cxcywh: Tensor, image_hw: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The BEST boxes by their best token, in pixels of the picture, and these scores."""
    best, rows = scores.amax(-1).topk(BEST)
    height, width = image_hw
    size = boxes_cxcywh.new_tensor([width, height] * 2)
    return clip_boxes(cxcywh_to_xyxy(boxes_cxcywh[rows]) * size, (height, width)), best


def published_sam(whole: bool) -> nn.Module:
    """SAM of transformers with random weights, ViT-H or a tiny one."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    torch.manual_seed(0)
    if whole:
        vision = {"hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16, "mlp_dim": 5120}
        return SamModel(SamConfig(vision_config=SamVisionConfig(**vision, global_attn_indexes=[7, 15, 23, 31]))).eval()
    vision = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 64, "patch_size": 16}
    vision |= {"output_channels": 32, "window_size": 2, "global_attn_indexes": [1], "num_pos_feats": 16, "mlp_dim": 64}
    prompts = SamPromptEncoderConfig(hidden_size=32, image_size=64, patch_size=16, mask_input_channels=4)
    masks = SamMaskDecoderConfig(hidden_size=32, mlp_dim=64, num_attention_heads=4, iou_head_hidden_dim=32)
    parts = {"prompt_encoder_config": prompts, "mask_decoder_config": masks}
    return SamModel(SamConfig(vision_config=SamVisionConfig(**vision), **parts)).eval()


def _alone(case: str, device: str, ours_ms: float, pictures: int, calls: int) -> dict[str, Any]:
    """The row of a case without a peer."""
    nothing = dict.fromkeys(("peer", "peer_ms", "ratio", "low", "high", "max_error", "floor_ms"))
    about = {"case": case, "device": torch.device(device).type, "dtype": "float32", "pass": "end-to-end"}
    return {**about, **nothing, "ours_ms": ours_ms, "per_second": 1e3 * pictures / ours_ms, "encoder_calls": calls}


def _counted(pictures: int, phrases: int) -> str:
    return f"{pictures} picture{'s' * (pictures > 1)} x {phrases} phrase{'s' * (phrases > 1)}"


def _nothing() -> Tensor:
    return torch.zeros(1)
