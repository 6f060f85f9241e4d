import math

import pytest
import torch
from torch import nn

from gk_utils.training.optimisation import new_average, parameter_groups, schedule, update_average


class TestSchedule:
    def test_known_values(self):
        assert schedule(0, 0.0, 100) == 0.005  # the middle of the first of 100 steps
        assert schedule(49, 0.0, 100) == 0.495
        assert schedule(1000, 0.5, 100) == pytest.approx(0.5)
        assert schedule(1000, 0.25, 100) == pytest.approx((1 + math.sqrt(0.5)) / 2)
        assert schedule(2000, 1.0, 100) == 0.0

    def test_warm_up_ends_with_its_last_step(self):
        assert schedule(99, 0.0, 100) == 0.995
        assert schedule(100, 0.0, 100) == 1.0

    def test_warm_up_of_a_short_run_takes_a_tenth_of_it(self):
        assert schedule(5, 0.05, 10_000) == pytest.approx(0.5 * (1 + math.cos(0.05 * math.pi)) / 2)
        assert schedule(10, 0.1, 10_000) == pytest.approx((1 + math.cos(0.1 * math.pi)) / 2)

    def test_no_warm_up(self):
        assert schedule(0, 0.0, 0) == 0.5
        assert schedule(1, 0.0, 0) == 1.0

    def test_falls_after_the_warm_up_and_never_below_zero(self):
        rates = [schedule(step, step / 500, 50) for step in range(501)]
        assert rates[50:] == sorted(rates[50:], reverse=True)
        assert rates[:45] == sorted(rates[:45])
        assert min(rates) >= 0


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.attention = nn.MultiheadAttention(4, 2)
        self.convolution = nn.Conv2d(3, 4, 2)
        self.recurrent = nn.GRU(4, 4)
        self.norm = nn.LayerNorm((2, 4))  # its weight has two axes
        self.batch_norm = nn.BatchNorm2d(4)
        self.queries = nn.Parameter(torch.zeros(5, 4))
        self.head = nn.Linear(4, 7)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)


class TestParameterGroups:
    def test_each_trained_parameter_once_and_only_matrices_decay(self):
        module = Everything()
        names = {id(value): name for name, value in module.named_parameters()}
        decays, others = parameter_groups(module, 0.05)
        assert (decays["weight_decay"], others["weight_decay"]) == (0.05, 0.0)
        assert [names[id(value)] for value in decays["params"]] == [
            *("attention.in_proj_weight", "attention.out_proj.weight", "convolution.weight"),
            *("recurrent.weight_ih_l0", "recurrent.weight_hh_l0", "head.weight"),
        ]
        given = [names[id(value)] for value in decays["params"] + others["params"]]
        assert sorted(given) == sorted(name for name in names.values() if not name.startswith("frozen"))

    def test_a_matrix_that_also_embeds_does_not_decay(self):
        module = Everything()
        module.head.weight = module.embed.weight
        decays, others = parameter_groups(module, 0.05)
        assert not any(value is module.embed.weight for value in decays["params"])
        assert sum(value is module.embed.weight for value in others["params"]) == 1

    def test_what_it_means_for_adamw(self):
        """Without a gradient's direction, a step only decays: by 1 - rate * decay."""
        module = nn.Linear(2, 2)
        before = {name: value.detach().clone() for name, value in module.named_parameters()}
        for value in module.parameters():
            value.grad = torch.zeros_like(value)
        torch.optim.AdamW(parameter_groups(module, 0.5), lr=0.1).step()
        torch.testing.assert_close(module.weight.detach(), before["weight"] * 0.95)
        assert module.bias.equal(before["bias"])


class TestAverage:
    def test_equals_a_slow_loop(self):
        torch.manual_seed(0)
        module = nn.Linear(3, 2)
        average = new_average(module)
        slow = module.weight.tolist()
        for decay in (0.0, 0.5, 0.9, 0.99):
            with torch.no_grad():
                module.weight.normal_()
            update_average(average, module, decay)
            slow = [
                [decay * old + (1 - decay) * new for old, new in zip(*rows, strict=True)]
                for rows in zip(slow, module.weight.tolist(), strict=True)
            ]
        torch.testing.assert_close(average["weight"], torch.tensor(slow))

    def test_is_a_copy_in_float32(self):
        module = nn.Linear(2, 2).to(torch.bfloat16)
        average = new_average(module)
        assert {value.dtype for value in average.values()} == {torch.float32}
        # 1 + 2**-9 has no bfloat16: an average kept in that precision would never leave 1.
        with torch.no_grad():
            module.weight.fill_(1.0)
            average["weight"].fill_(1.0)
            module.weight.fill_(2.0)
        update_average(average, module, 1 - 2**-9)
        assert average["weight"].unique().tolist() == [1 + 2**-9]
        full = nn.Linear(2, 2)
        update_average(
            copy := new_average(full), full.requires_grad_(False).apply(lambda part: part.weight.zero_()), 1.0
        )
        assert not copy["weight"].equal(full.weight)

    def test_counters_are_copied(self):
        module = nn.BatchNorm1d(2)
        average = new_average(module)
        module(torch.randn(4, 2))
        update_average(average, module, 0.5)
        assert average["num_batches_tracked"].item() == 1
        torch.testing.assert_close(average["running_mean"], module.running_mean / 2)
        assert not average["weight"].requires_grad
