"""The sizes of a Segment Anything model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentAnythingSettings:
    """The sizes of a SAM; those given are the published ones with the ViT-B encoder.

    Attributes:
        image_side: the model's pictures are squares with this side, in pixels; patch: side of a patch.
        width, layers, heads, inner: of the image encoder; `inner` is the width of the network in a layer.
        window: side of the windows, in patches, that most layers attend within.
        global_layers: the layers that attend to the whole picture instead, counted from 0.
        qkv_bias: whether queries, keys and values have a bias.
        out_width: features of a cell of the embedding, of a prompt token and of a mask token.
        decoder_layers, decoder_heads, decoder_inner: of the two-way transformer.
        shrink: attention between prompt and picture works at out_width / shrink.
        masks: how many readings of an ambiguous prompt; one more token gives the single mask.
        iou_layers, iou_inner: of the head that says how good each mask is.
        mask_width: features of a cell of a mask prompt, half way in.
        place_scale: standard deviation of the random frequencies of places, when they are drawn.

    >>> SegmentAnythingSettings().grid, SegmentAnythingSettings().mask_side
    (64, 256)
    """

    image_side: int = 1024
    patch: int = 16
    width: int = 768
    layers: int = 12
    heads: int = 12
    inner: int = 3072
    window: int = 14
    global_layers: tuple[int, ...] = (2, 5, 8, 11)
    qkv_bias: bool = True
    out_width: int = 256
    decoder_layers: int = 2
    decoder_heads: int = 8
    decoder_inner: int = 2048
    shrink: int = 2
    masks: int = 3
    iou_layers: int = 3
    iou_inner: int = 256
    mask_width: int = 16
    place_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.image_side % self.patch or self.width % self.heads or self.mask_width % 4:
            raise ValueError(
                f"settings: expected a patch that divides the side, heads that divide the width and a mask_width that "
                f"4 divides, got {self.patch} and {self.image_side}, {self.heads} and {self.width}, {self.mask_width}. "
                "Change them."
            )
        if self.out_width % 8 or self.out_width % (self.shrink * self.decoder_heads):
            raise ValueError(
                f"settings: expected an out_width that 8 and shrink x decoder_heads divide, got {self.out_width}, "
                f"{self.shrink} and {self.decoder_heads}. Change them."
            )

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.image_side // self.patch

    @property
    def mask_side(self) -> int:
        """Side of the masks that come out, in cells of a quarter of a patch; a mask prompt has it too."""
        return 4 * self.grid
