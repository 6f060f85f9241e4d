import pytest
import torch

from gk_utils.grounded_sam.halving import Halving


class TestHalving:
    def test_halves_and_goes_on(self):
        """Three fit at once: 8 do not, 4 do not, 2 do; no item is done twice."""
        sizes, done = [], []

        def work(batch):
            sizes.append(len(batch))
            if len(batch) > 3:
                raise torch.OutOfMemoryError("no room")
            done.extend(batch)
            return [10 * item for item in batch]

        halving = Halving(8)
        assert halving(work, list(range(9))) == [10 * item for item in range(9)]
        assert sizes == [8, 4, 2, 2, 2, 2, 1]
        assert done == list(range(9))
        assert halving.size == 2
        assert halving(work, [1, 2, 3]) == [10, 20, 30]  # it remembers
        assert sizes[7:] == [2, 1]

    def test_one_that_does_not_fit(self):
        def never(batch):
            raise torch.OutOfMemoryError("no room")

        with pytest.raises(torch.OutOfMemoryError):
            Halving(4)(never, [1, 2])

    def test_other_errors_pass(self):
        def broken(batch):
            raise RuntimeError("something else")

        with pytest.raises(RuntimeError, match="something else"):
            Halving(4)(broken, [1, 2])

    def test_nothing_to_do(self):
        assert Halving(4)(list, []) == []

    def test_size(self):
        with pytest.raises(ValueError, match="size: expected 1 or more, got 0"):
            Halving(0)
