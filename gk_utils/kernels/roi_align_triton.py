"""RoI Align as Triton kernels: forward, and the gradients of the features and of the boxes.

Every kernel takes the strides of what it reads and writes, so that any memory format will do. Sums are float32.
Samples are counted in cells from the centre of the first one, as torchvision counts: cell r holds the value at r.

Import this module only where Triton is installed. Notebook: 06.
"""

# ruff: noqa: PLR0917

import triton
import triton.language as tl


@triton.jit
def picture_of(rois, box, pictures):
    """The number of a box's picture; of one that is not there, the nearest, so that nothing else is read."""
    return tl.minimum(tl.maximum(tl.load(rois + box * 5), 0.0), pictures - 1.0).to(tl.int64)


@triton.jit
def along(rois, box, axis: tl.constexpr, bins, spatial_scale, ALIGNED: tl.constexpr):
    """Of a box along an axis, 0 for x and 1 for y: where it starts, and how long a bin is. `box` may be a block."""
    start = tl.load(rois + box * 5 + 1 + axis) * spatial_scale
    end = tl.load(rois + box * 5 + 3 + axis) * spatial_scale
    if ALIGNED:
        return start - 0.5, tl.div_rn((end - 0.5) - (start - 0.5), bins * 1.0)
    return start, tl.div_rn(tl.maximum(end - start, 1.0), bins * 1.0)


@triton.jit
def samples_in(length, RATIO: tl.constexpr):
    """How many samples a bin of this length has: RATIO, or where that is 0 one for each cell."""
    if RATIO > 0:
        return RATIO
    return tl.ceil(tl.where(length < float("inf"), length, 0.0)).to(tl.int32)


@triton.jit
def sample(start, length, step, bin, i):
    """Where sample i of a bin lies: half a step behind its start, then a step for each."""
    return start + bin * length + (i + 0.5) * step


@triton.jit
def step_of(length, count):
    """How far the samples of a bin lie apart."""
    return tl.div_rn(length, tl.maximum(count, 1) * 1.0)


@triton.jit
def around(at, size):
    """The two cells around a sample and what each counts: nothing where it lies more than a cell outside."""
    inside = tl.where(at < -1, 0.0, tl.where(at > size, 0.0, 1.0))
    at = tl.minimum(tl.maximum(at, 0.0), size - 1.0)
    low = at.to(tl.int32)
    high = tl.minimum(low + 1, size - 1)
    return low, high, inside * (1 - at + low), inside * (at - low)


@triton.jit
def forward(
    features, rois, out,
    pictures, channels, height, width, rows, columns, spatial_scale,
    at_b, at_c, at_y, at_x, to_n, to_c, to_p, to_q,
    RATIO: tl.constexpr, ALIGNED: tl.constexpr, C: tl.constexpr, Q: tl.constexpr,
):  # fmt: skip
    """The bins of one box in C channels, a row of bins at a time."""
    box = tl.program_id(0).to(tl.int64)
    c = tl.program_id(1) * C + tl.arange(0, C)[:, None]
    q = tl.arange(0, Q)[None, :]
    needed = (c < channels) & (q < columns)
    picture = picture_of(rois, box, pictures)
    y_start, y_length = along(rois, box, 1, rows, spatial_scale, ALIGNED)
    x_start, x_length = along(rois, box, 0, columns, spatial_scale, ALIGNED)
    y_count, x_count = samples_in(y_length, RATIO), samples_in(x_length, RATIO)
    y_step, x_step = step_of(y_length, y_count), step_of(x_length, x_count)
    share = 1.0 / tl.maximum(y_count * x_count, 1)
    planes = features + picture * at_b + c.to(tl.int64) * at_c
    for p in range(rows):
        total = tl.zeros([C, Q], tl.float32)
        for i in range(y_count):
            top, below, w_top, w_below = around(sample(y_start, y_length, y_step, p, i), height)
            for j in range(x_count):
                left, right, w_left, w_right = around(sample(x_start, x_length, x_step, q, j), width)
                upper = tl.load(planes + top * at_y + left * at_x, needed, 0.0).to(tl.float32) * w_left
                upper += tl.load(planes + top * at_y + right * at_x, needed, 0.0).to(tl.float32) * w_right
                lower = tl.load(planes + below * at_y + left * at_x, needed, 0.0).to(tl.float32) * w_left
                lower += tl.load(planes + below * at_y + right * at_x, needed, 0.0).to(tl.float32) * w_right
                total += upper * w_top + lower * w_below
        tl.store(out + box * to_n + c * to_c + p * to_p + q * to_q, total * share, needed)


@triton.jit
def to_channels_last(features, out, at_b, at_c, channels, cells, C: tl.constexpr, X: tl.constexpr):
    """Turn X cells of C channels to channels last, for `forward`, which reads these faster."""
    x = tl.program_id(0) * X + tl.arange(0, X)[None, :]
    c = tl.program_id(1) * C + tl.arange(0, C)[:, None]
    picture = tl.program_id(2).to(tl.int64)
    needed = (x < cells) & (c < channels)
    values = tl.load(features + picture * at_b + c.to(tl.int64) * at_c + x, needed)
    tl.store(out + (picture * cells + x) * channels + c, values, needed)


@triton.jit
def weights(cells, start, length, step, count, bin, size):
    """What these cells count in each of these bins along one axis; a sample gives to cells less than 1 away."""
    total = (cells + bin) * 0.0
    for i in range(count):
        at = sample(start, length, step, bin, i)
        inside = tl.where(at < -1, 0.0, tl.where(at > size, 0.0, 1.0))
        at = tl.minimum(tl.maximum(at, 0.0), size - 1.0)
        total += inside * tl.maximum(1 - tl.abs(cells - at), 0.0)
    return total


@triton.jit
def reached(start, length, bins, first, cells):
    """The bins, from the one up to before the other, that may read some of `cells` cells from `first` on."""
    length = tl.maximum(length, 1e-6)
    low = tl.minimum(tl.maximum(tl.floor((first - 1.25 - start) / length), 0.0), bins * 1.0)
    high = tl.minimum(tl.maximum(tl.ceil((first + cells + 0.25 - start) / length), 0.0), bins * 1.0)
    return low.to(tl.int32), high.to(tl.int32)


@triton.jit
def backward(
    grad, rois, out,
    boxes, channels, height, width, rows, columns, spatial_scale,
    at_n, at_c, at_p, at_q, to_b, to_c, to_y, to_x,
    RATIO: tl.constexpr, ALIGNED: tl.constexpr,
    C: tl.constexpr, Q: tl.constexpr, Y: tl.constexpr, X: tl.constexpr, BOXES: tl.constexpr,
):  # fmt: skip
    """The gradient of Y x X cells of one picture in C channels: what all the bins that read them give back.

    Nobody else writes these cells, so the sums need no atomic additions and come out the same every time.
    """
    tiles_x = tl.cdiv(width, X)
    first_y = tl.program_id(0) // tiles_x * Y
    first_x = tl.program_id(0) % tiles_x * X
    c = tl.program_id(1) * C + tl.arange(0, C)
    picture = tl.program_id(2)
    y = first_y + tl.arange(0, Y)
    x = first_x + tl.arange(0, X)
    q = tl.arange(0, Q)
    total = tl.zeros([Y, X, C], tl.float32)
    for start in range(0, boxes, BOXES):
        box = start + tl.arange(0, BOXES)
        real = tl.minimum(box, boxes - 1)  # behind the last box: the last one again
        x_low, x_high = reached(*along(rois, real, 0, columns, spatial_scale, ALIGNED), columns, first_x, X)
        y_low, y_high = reached(*along(rois, real, 1, rows, spatial_scale, ALIGNED), rows, first_y, Y)
        here = (tl.load(rois + real * 5).to(tl.int32) == picture) & (box < boxes)
        waiting = tl.where(here & (x_low < x_high) & (y_low < y_high), box, boxes)
        one = tl.min(waiting, 0)
        while one < boxes:
            y_start, y_length = along(rois, one, 1, rows, spatial_scale, ALIGNED)
            x_start, x_length = along(rois, one, 0, columns, spatial_scale, ALIGNED)
            y_count, x_count = samples_in(y_length, RATIO), samples_in(x_length, RATIO)
            y_step, x_step = step_of(y_length, y_count), step_of(x_length, x_count)
            p_low, p_high = reached(y_start, y_length, rows, first_y, Y)
            q_low, q_high = reached(x_start, x_length, columns, first_x, X)
            share = 1.0 / tl.maximum(y_count * x_count, 1)
            w_x = weights(x[None, :], x_start, x_length, x_step, x_count, q[:, None], width) * share  # Q X
            needed = (q[:, None] >= q_low) & (q[:, None] < q_high) & (c[None, :] < channels)
            of_box = grad + one.to(tl.int64) * at_n + q[:, None] * at_q + c[None, :] * at_c
            for p in range(p_low, p_high):
                given = tl.load(of_box + p * at_p, needed, 0.0).to(tl.float32)  # Q C
                across = tl.sum(w_x[:, :, None] * given[:, None, :], 0)  # X C
                w_y = weights(y, y_start, y_length, y_step, y_count, p, height)
                total += w_y[:, None, None] * across[None, :, :]
            waiting = tl.where(waiting == one, boxes, waiting)
            one = tl.min(waiting, 0)
    cells = y[:, None, None] * to_y + x[None, :, None] * to_x + c[None, None, :].to(tl.int64) * to_c
    inside = (y[:, None, None] < height) & (x[None, :, None] < width) & (c[None, None, :] < channels)
    tl.store(out + picture.to(tl.int64) * to_b + cells, total, inside)


@triton.jit
def backward_boxes(
    grad, features, rois, out,
    pictures, channels, height, width, rows, columns, spatial_scale,
    from_n, from_c, from_p, from_q, at_b, at_c, at_y, at_x,
    RATIO: tl.constexpr, ALIGNED: tl.constexpr, C: tl.constexpr, Q: tl.constexpr,
):  # fmt: skip
    """The gradient of the corners of one box: how the samples change with their place, and that with the corners.

    A sample at start + f length, counted in bins, moves by 1 - f / bins with the first corner and f / bins with the
    other one; a bin that is kept at its least length moves with the first.
    """
    box = tl.program_id(0).to(tl.int64)
    q = tl.arange(0, Q)[None, :]
    picture = picture_of(rois, box, pictures)
    y_start, y_length = along(rois, box, 1, rows, spatial_scale, ALIGNED)
    x_start, x_length = along(rois, box, 0, columns, spatial_scale, ALIGNED)
    y_count, x_count = samples_in(y_length, RATIO), samples_in(x_length, RATIO)
    y_step, x_step = step_of(y_length, y_count), step_of(x_length, x_count)
    share = spatial_scale / tl.maximum(y_count * x_count, 1)
    by_y, by_y_length = tl.zeros([C, Q], tl.float32), tl.zeros([C, Q], tl.float32)
    by_x, by_x_length = tl.zeros([C, Q], tl.float32), tl.zeros([C, Q], tl.float32)
    for first in range(0, channels, C):
        c = first + tl.arange(0, C)[:, None]
        needed = (c < channels) & (q < columns)
        planes = features + picture * at_b + c.to(tl.int64) * at_c
        for p in range(rows):
            given = tl.load(grad + box * from_n + c * from_c + p * from_p + q * from_q, needed, 0.0).to(tl.float32)
            for i in range(y_count):
                y = sample(y_start, y_length, y_step, p, i)
                top, below, w_top, w_below = around(y, height)
                for j in range(x_count):
                    x = sample(x_start, x_length, x_step, q, j)
                    left, right, w_left, w_right = around(x, width)
                    top_left = tl.load(planes + top * at_y + left * at_x, needed, 0.0).to(tl.float32)
                    top_right = tl.load(planes + top * at_y + right * at_x, needed, 0.0).to(tl.float32)
                    below_left = tl.load(planes + below * at_y + left * at_x, needed, 0.0).to(tl.float32)
                    below_right = tl.load(planes + below * at_y + right * at_x, needed, 0.0).to(tl.float32)
                    down = (below_left - top_left) * w_left + (below_right - top_right) * w_right
                    across = (top_right - top_left) * w_top + (below_right - below_left) * w_below
                    down *= given * within(y, height)
                    across *= given * within(x, width)
                    by_y += down
                    by_y_length += down * (p + tl.div_rn(i + 0.5, y_count * 1.0))
                    by_x += across
                    by_x_length += across * (q + tl.div_rn(j + 0.5, x_count * 1.0))
    x2, y2 = tl.sum(by_x_length) / columns, tl.sum(by_y_length) / rows
    if not ALIGNED:
        x2 *= kept(rois, box, 0, spatial_scale)
        y2 *= kept(rois, box, 1, spatial_scale)
    tl.store(out + box * 5, 0.0)
    tl.store(out + box * 5 + 1, (tl.sum(by_x) - x2) * share)
    tl.store(out + box * 5 + 2, (tl.sum(by_y) - y2) * share)
    tl.store(out + box * 5 + 3, x2 * share)
    tl.store(out + box * 5 + 4, y2 * share)


@triton.jit
def within(at, size):
    """1 where a step moves the sample, 0 where it is held at the border or counts nothing."""
    return tl.where(at < 0, 0.0, tl.where(at > size - 1, 0.0, 1.0))


@triton.jit
def kept(rois, box, axis: tl.constexpr, spatial_scale):
    """1 where the box has its own length, 0 where it is held at one cell."""
    length = (tl.load(rois + box * 5 + 3 + axis) - tl.load(rois + box * 5 + 1 + axis)) * spatial_scale
    return tl.where(length > 1, 1.0, 0.0)


@triton.jit
def check(rois, bad, boxes, pictures, BOXES: tl.constexpr):
    """Write 1 where any box has corners in the wrong order, not finite, or of no picture; else 0."""
    found = tl.zeros([BOXES], tl.int32)
    for start in range(0, boxes, BOXES):
        box = tl.minimum(start + tl.arange(0, BOXES), boxes - 1)
        picture = tl.load(rois + box * 5)
        x1, y1 = tl.load(rois + box * 5 + 1), tl.load(rois + box * 5 + 2)
        x2, y2 = tl.load(rois + box * 5 + 3), tl.load(rois + box * 5 + 4)
        good = (picture >= 0) & (picture < pictures) & (picture == tl.floor(picture)) & (x1 <= x2) & (y1 <= y2)
        good = good & (x1 > float("-inf")) & (y1 > float("-inf")) & (x2 < float("inf")) & (y2 < float("inf"))
        found = tl.where(good, found, 1)
    tl.store(bad, tl.max(found, 0))
