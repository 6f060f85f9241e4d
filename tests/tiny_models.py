"""Tiny random checkpoints of the published models' own classes, saved to disk: what the hub loads in the tests.

Nothing here says anything about quality. The vocabularies hold a few words; ids that a model hard-codes are kept.
"""

import atexit
import functools
import json
import os
import shutil
import string
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch import Tensor

WORDS = [
    "a",
    "an",
    "the",
    "red",
    "green",
    "blue",
    "cat",
    "dog",
    "ball",
    "mug",
    "photo",
    "of",
    "on",
    "left",
    "right",
    "what",
    "is",
    "image",
]
HEADS = {"hidden_size": 32, "num_attention_heads": 4}
SPECIALS = ["im_start", "im_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"]
CHAT = (
    "{% for m in messages %}<|im_start|>{{m.role}}\n{% for c in m.content %}{% if c.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{c.text}}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def bert_tokenizer() -> Any:
    """Grounding DINO hard-codes the ids of [CLS], [SEP], the dot and the question mark; 1040 tokens in all."""
    from transformers import BertTokenizer

    vocab = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}
    vocab |= {word: 1030 + i for i, word in enumerate(WORDS[:10])}
    taken = set(vocab.values())
    vocab |= {f"[unused{i}]": i for i in range(max(taken)) if i not in taken}
    return BertTokenizer(vocab=dict(sorted(vocab.items(), key=lambda pair: pair[1])))


def byte_bpe(specials: tuple[str, ...] = (), suffix: str | None = None) -> dict[str, Any]:
    """A vocabulary and merges trained on the words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    ending = {} if suffix is None else {"end_of_word_suffix": suffix}
    bpe = Tokenizer(models.BPE(**ending))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=800,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(specials),
        show_progress=False,
        **ending,
    )
    bpe.train_from_iterator(WORDS * 5, trainer)
    model = json.loads(bpe.to_str())["model"]
    return {"vocab": dict(model["vocab"]), "merges": [tuple(pair) for pair in model["merges"]]}


def clip_tokenizer(length: int = 16) -> Any:
    """CLIP pools at the end-of-text token, which comes last."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    parts = byte_bpe(suffix="</w>")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    for piece in [*(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]:
        parts["vocab"].setdefault(piece, len(parts["vocab"]))
    return CLIPTokenizer(**parts, model_max_length=length)


def towers(tokenizer: Any) -> dict[str, Any]:
    """The two towers of CLIP and OWL."""
    size = {**HEADS, "intermediate_size": 64, "num_hidden_layers": 2}
    ids = {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
    return {
        "text_config": {"vocab_size": len(tokenizer), "max_position_embeddings": 16, **size, **ids},
        "vision_config": {"image_size": 32, "patch_size": 8, **size},
        "projection_dim": 32,
    }


def square(side: int) -> dict[str, int]:
    return {"height": side, "width": side}


def grounding_dino(kind: str = "GroundingDino") -> tuple[Any, Any]:
    import tiny_dino
    from transformers import GroundingDinoImageProcessor, GroundingDinoProcessor

    images = GroundingDinoImageProcessor(size={"shortest_edge": 72, "longest_edge": 108})
    return tiny_dino.theirs(kind, max_text_len=32), GroundingDinoProcessor(images, bert_tokenizer())


def owlv2() -> tuple[Any, Any]:
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessor, Owlv2Processor

    tokenizer = clip_tokenizer()
    model = Owlv2ForObjectDetection(Owlv2Config(**towers(tokenizer)))
    return model, Owlv2Processor(Owlv2ImageProcessor(size=square(32)), tokenizer)


def sam() -> tuple[Any, Any]:
    import transformers as tf

    vision = tf.SamVisionConfig(
        **HEADS,
        num_hidden_layers=2,
        image_size=64,
        patch_size=16,
        output_channels=32,
        window_size=2,
        global_attn_indexes=[1],
        num_pos_feats=16,
        mlp_dim=64,
        initializer_range=0.02,
    )
    prompts = tf.SamPromptEncoderConfig(hidden_size=32, image_size=64, patch_size=16, mask_input_channels=16)
    masks = tf.SamMaskDecoderConfig(**HEADS, mlp_dim=64, iou_head_hidden_dim=32)
    model = tf.SamModel(tf.SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=masks))
    images = tf.SamImageProcessor(
        size={"longest_edge": 64}, pad_size=square(64), mask_size={"longest_edge": 16}, mask_pad_size=square(16)
    )
    return model, tf.SamProcessor(images)


def sam2() -> tuple[Any, Any]:
    import transformers as tf

    hiera = tf.Sam2HieraDetConfig(
        hidden_size=12,
        embed_dim_per_stage=[12, 24, 48, 96],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        blocks_per_stage=[1, 2, 2, 1],
        window_size_per_stage=[8, 4, 4, 2],
        global_attention_blocks=[4],
        image_size=[128, 128],
        window_positional_embedding_background_size=[7, 7],
    )
    vision = tf.Sam2VisionConfig(
        backbone_config=hiera,
        backbone_channel_list=[96, 48, 24, 12],
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
        fpn_hidden_size=32,
    )
    prompts = tf.Sam2PromptEncoderConfig(hidden_size=32, image_size=128, patch_size=16, mask_input_channels=16)
    masks = tf.Sam2MaskDecoderConfig(**HEADS, mlp_dim=64, iou_head_hidden_dim=32)
    model = tf.Sam2Model(tf.Sam2Config(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=masks))
    return model, tf.Sam2Processor(tf.Sam2ImageProcessor(size=square(128), mask_size=square(32)))


def _sam3_vision() -> Any:
    import transformers as tf

    backbone = tf.Sam3ViTConfig(
        **HEADS,
        intermediate_size=64,
        num_hidden_layers=2,
        image_size=112,
        patch_size=14,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=56,
    )
    return tf.Sam3VisionConfig(
        backbone_config=backbone,
        fpn_hidden_size=32,
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
        scale_factors=[4.0, 2.0, 1.0, 0.5],
    )


def sam3() -> tuple[Any, Any]:
    """Its half that takes points and boxes."""
    import transformers as tf

    prompts = tf.Sam3TrackerPromptEncoderConfig(hidden_size=32, image_size=112, patch_size=14, mask_input_channels=16)
    masks = tf.Sam3TrackerMaskDecoderConfig(**HEADS, mlp_dim=64, iou_head_hidden_dim=32)
    model = tf.Sam3TrackerModel(
        tf.Sam3TrackerConfig(vision_config=_sam3_vision(), prompt_encoder_config=prompts, mask_decoder_config=masks)
    )
    return model, tf.Sam3TrackerProcessor(tf.Sam3ImageProcessor(size=square(112), mask_size=square(32)))


def sam3_text() -> tuple[Any, Any]:
    """Its half that takes words."""
    import transformers as tf

    tokenizer = clip_tokenizer(32)
    layers = {**HEADS, "num_layers": 1, "intermediate_size": 64}
    text = tf.CLIPTextConfig(
        **towers(tokenizer)["text_config"] | {"max_position_embeddings": 32},
        projection_dim=32,
    )
    model = tf.Sam3Model(
        tf.Sam3Config(
            vision_config=_sam3_vision(),
            text_config=text,
            geometry_encoder_config=tf.Sam3GeometryEncoderConfig(**layers),
            detr_encoder_config=tf.Sam3DETREncoderConfig(**layers),
            detr_decoder_config=tf.Sam3DETRDecoderConfig(**layers | {"num_layers": 2}, num_queries=8),
            mask_decoder_config=tf.Sam3MaskDecoderConfig(**HEADS),
        )
    )
    return model, tf.Sam3Processor(tf.Sam3ImageProcessor(size=square(112)), tokenizer)


def clip() -> tuple[Any, Any]:
    import transformers as tf

    tokenizer = clip_tokenizer()
    images = tf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=square(32))
    return tf.CLIPModel(tf.CLIPConfig(**towers(tokenizer))), tf.CLIPProcessor(images, tokenizer)


def kosmos2() -> tuple[Any, Any]:
    """Four specials, then 64 places for the picture, then pieces; the processor adds the tags and patch tokens."""
    import transformers as tf

    head = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(f"<slot_{i}>", -99.0) for i in range(64)]
    body = [("\u2581" + word, -5.0) for word in WORDS] + [("\u2581", -3.0)]
    tokenizer = tf.XLMRobertaTokenizer(
        vocab=head + body + [(c, -8.0) for c in string.ascii_lowercase + ".,?"] + [("<mask>", 0.0)]
    )
    images = tf.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=square(28))
    processor = tf.Kosmos2Processor(images, tokenizer)
    text = {"embed_dim": 32, "layers": 2, "ffn_dim": 64, "attention_heads": 4, "max_position_embeddings": 256}
    vision = {**HEADS, "intermediate_size": 64, "num_hidden_layers": 2, "image_size": 28, "patch_size": 14}
    config = tf.Kosmos2Config(
        text_config={**text, "vocab_size": len(processor.tokenizer)}, vision_config=vision, latent_query_num=64
    )
    return tf.Kosmos2ForConditionalGeneration(config), processor


def florence2() -> tuple[Any, Any]:
    import transformers as tf

    pieces = byte_bpe(("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    tokenizer = tf.BartTokenizer(**pieces, extra_special_tokens={"image_token": "<image>"})
    tokenizer.add_tokens([f"<loc_{i}>" for i in range(1000)])
    rules = {kind: {} for kind in ("description_with_bboxes", "pure_text", "bboxes", "polygons")}
    rules |= {"description_with_bboxes_or_polygons": {}, "phrase_grounding": {"banned_grounding_tokens": []}}
    rules |= {"ocr": {"PATTERN": r"(.+?)" + r"<loc_(\d+)>" * 8, "AREA_THRESHOLD": 0.0}}
    images = tf.CLIPImageProcessor(size=square(64), crop_size=square(64))
    images.image_seq_length = 5  # 2 x 2 cells and their mean
    processor = tf.Florence2Processor(images, tokenizer, post_processor_config=rules)
    vision = tf.Florence2VisionConfig(
        depths=[1] * 4,
        embed_dim=[8, 16, 16, 32],
        num_heads=[1, 2, 2, 4],
        num_groups=[1, 2, 2, 4],
        window_size=2,
        projection_dim=32,
        drop_path_rate=0.0,
    )
    ids = {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    text = tf.BartConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=128,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=tokenizer.eos_token_id,
        **ids,
        **layers,
    )
    config = tf.Florence2Config(text_config=text, vision_config=vision, image_token_id=tokenizer.image_token_id)
    return tf.Florence2ForConditionalGeneration(config), processor


def qwen(kind: str = "qwen3_vl") -> tuple[Any, Any]:
    import transformers as tf

    tokenizer = tf.Qwen2Tokenizer(**byte_bpe())
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{name}|>" for name in SPECIALS]})
    old = kind == "qwen2_5_vl"
    images = tf.Qwen2VLImageProcessor(
        patch_size=14 if old else 16, merge_size=2, size={"shortest_edge": 4096, "longest_edge": 16384}
    )
    parts = {"image_token": "image_pad", "video_token": "video_pad"}
    parts |= {f"vision_{end}_token": f"vision_{end}" for end in ("start", "end")}
    ids = {f"{key}_id": tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in parts.items()}
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}
    text = {**HEADS, "vocab_size": len(tokenizer), "intermediate_size": 64, "num_hidden_layers": 2}
    text |= {"num_key_value_heads": 2, "max_position_embeddings": 512, "rope_parameters": rope}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 32}
    if old:
        vision |= {"patch_size": 14, "fullatt_block_indexes": [1], "window_size": 56}
        config = tf.Qwen2_5_VLConfig(**ids, text_config=text, vision_config=vision)
        model = tf.Qwen2_5_VLForConditionalGeneration(config)
        return model, tf.Qwen2_5_VLProcessor(images, tokenizer, tf.Qwen2VLVideoProcessor(), chat_template=CHAT)
    vision |= {"patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
    config = tf.Qwen3VLConfig(**ids, text_config={**text, "head_dim": 8}, vision_config=vision)
    model = tf.Qwen3VLForConditionalGeneration(config)
    return model, tf.Qwen3VLProcessor(images, tokenizer, tf.Qwen3VLVideoProcessor(), chat_template=CHAT)


BUILDERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "grounding_dino": grounding_dino,
    "mm_grounding_dino": lambda: grounding_dino("MMGroundingDino"),
    "owlv2": owlv2,
    "sam": sam,
    "sam2": sam2,
    "sam3": sam3,
    "sam3_text": sam3_text,
    "clip": clip,
    "kosmos2": kosmos2,
    "florence2": florence2,
    "qwen2_5_vl": lambda: qwen("qwen2_5_vl"),
    "qwen3_vl": qwen,
}


@functools.cache
def folder(kind: str) -> Path:
    """Build the tiny model of a kind and save it as a published one lies on disk, once a session; its folder."""
    place = _parent() / kind
    torch.manual_seed(0)
    model, processor = BUILDERS[kind]()
    model.eval().save_pretrained(place)
    processor.save_pretrained(place)
    return place


@functools.cache
def _parent() -> Path:
    place = Path(tempfile.mkdtemp(prefix="tiny_models_"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def image() -> Tensor:
    """A picture of noise, 75 high and 100 wide."""
    return torch.rand(3, 75, 100, generator=torch.Generator().manual_seed(0))
