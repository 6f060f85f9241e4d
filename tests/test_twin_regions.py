import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.ferret.region_forms import mask_box
from gk_utils.ferret.twin_regions import find_twins, twin_box


def plane(*rows: str) -> torch.Tensor:
    return torch.tensor([[cell == "#" for cell in row] for row in rows])


def boxes_by_search(mask1: torch.Tensor, mask2: torch.Tensor) -> set[tuple[int, int, int, int]]:
    """All boxes that are the tight box of what both masks have inside: every box is tried."""
    height, width = mask1.shape
    found = set()
    for x1 in range(width):
        for x2 in range(x1 + 1, width + 1):
            for y1 in range(height):
                for y2 in range(y1 + 1, height + 1):
                    inside = torch.zeros(height, width, dtype=torch.bool)
                    inside[y1:y2, x1:x2] = True
                    if mask_box(mask1 & inside) == mask_box(mask2 & inside) == (x1, y1, x2, y2):
                        found.add((x1, y1, x2, y2))
    return found


class TestTwinBox:
    def test_a_thing_in_front_of_another(self):
        front = plane("..##..", ".####.", ".####.")
        behind = plane("##..##", "#....#", "#....#")
        assert twin_box(front, behind) is None  # what shows of the one behind touches none of the columns of the other
        wider, around = plane("..##..", "######", "######"), plane("##..##", "#....#", "#....#")
        assert twin_box(wider, around) == (0, 0, 6, 3)

    def test_a_box_that_both_fill(self):
        assert twin_box(plane("#..", ".#.", "..#"), plane("..#", ".#.", "#..")) == (0, 0, 3, 3)

    @settings(max_examples=12, deadline=None)
    @given(st.integers(0, 2**12 - 1), st.integers(0, 2**12 - 1))
    def test_is_the_largest_of_all_such_boxes(self, bits1, bits2):
        mask1, mask2 = (torch.tensor([bits >> k & 1 == 1 for k in range(12)]).view(3, 4) for bits in (bits1, bits2))
        found, boxes = twin_box(mask1, mask2), boxes_by_search(mask1, mask2)
        if not boxes:
            assert found is None
            return
        assert found in boxes
        assert all(found[0] <= x1 and found[1] <= y1 and x2 <= found[2] and y2 <= found[3] for x1, y1, x2, y2 in boxes)

    def test_empty_masks(self):
        assert twin_box(plane("...", "..."), plane("###", "###")) is None


class TestFindTwins:
    def test_both_parts_have_the_box_and_belong_to_their_things(self):
        masks = torch.stack(
            [plane("##..", "#..#", "#.##"), plane("..##", ".##.", ".#.."), plane("....", "....", "....")]
        )
        for twins in find_twins(masks, least=1):
            for mask, thing in zip(twins.masks, twins.things, strict=True):
                assert mask_box(mask) == twins.box
                assert not (mask & ~masks[thing]).any()
        assert [twins.things for twins in find_twins(masks, least=1)] == [(0, 1)]
        assert find_twins(masks, least=50) == []
