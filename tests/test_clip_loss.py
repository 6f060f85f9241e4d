import math
import os

import pytest
import torch
from torch import distributed, multiprocessing
from torch.testing import assert_close

from gk_utils.contrastive.clip_loss import (
    LARGEST_SCALE,
    LogitScale,
    clip_loss,
    gather,
    negclip_loss,
    own_negatives_loss,
    unit,
)


def vectors(n, d=5, seed=0):
    torch.manual_seed(seed)
    return unit(torch.randn(n, d, dtype=torch.double))


class TestClipLoss:
    def test_by_hand(self):
        """Cosines 1 and 0 with scale 2: each row is log(e^2 + 1) - 2."""
        assert_close(clip_loss(torch.eye(2), torch.eye(2), 2.0).item(), math.log(math.exp(2) + 1) - 2)

    def test_equals_the_loop(self):
        images, texts, total = vectors(4), vectors(4, seed=1), 0.0
        for i in range(4):
            row = [math.exp(3 * float(images[i] @ texts[j])) for j in range(4)]
            column = [math.exp(3 * float(images[j] @ texts[i])) for j in range(4)]
            total -= (math.log(row[i] / sum(row)) + math.log(column[i] / sum(column))) / 8
        assert_close(clip_loss(images, texts, 3.0).item(), total)

    def test_equals_transformers(self):
        from transformers import CLIPConfig, CLIPModel

        size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = CLIPConfig(
            text_config={**size, "vocab_size": 20, "max_position_embeddings": 8, "eos_token_id": 2},
            vision_config={**size, "image_size": 8, "patch_size": 4},
            projection_dim=8,
        )
        torch.manual_seed(0)
        model = CLIPModel(config).eval()
        ids = torch.tensor([[3, 4, 2], [5, 6, 2], [7, 3, 2]])
        out = model(input_ids=ids, pixel_values=torch.randn(3, 3, 8, 8), return_loss=True)
        ours = clip_loss(out.image_embeds, out.text_embeds, model.logit_scale.exp())
        assert_close(ours, out.loss, atol=1e-6, rtol=1e-6)

    def test_gradient(self):
        images, texts = (vectors(3, seed=seed).requires_grad_() for seed in (0, 1))
        scale = torch.tensor(2.0, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(clip_loss, (images, texts, scale))

    def test_one_pair_has_nothing_to_tell_apart(self):
        image = vectors(1).requires_grad_()
        loss = clip_loss(image, vectors(1, seed=1), 5.0)
        loss.backward()
        assert loss.item() == 0
        assert not image.grad.any()

    def test_equal_captions_are_each_other_s_negatives(self):
        """Two pictures with one caption: no model gets below log 2."""
        text = vectors(1).expand(2, -1)
        assert_close(clip_loss(text, text, 100.0).item(), math.log(2))


class TestNegclipLoss:
    def test_a_hard_negative_that_equals_the_caption_costs_log_2_of_one_direction(self):
        one = torch.ones(1, 1)
        assert_close(negclip_loss(one, one, one, 7.0).item(), math.log(2) / 2)

    def test_only_picture_to_text_sees_the_negatives(self):
        images, texts, hard = vectors(3), vectors(3, seed=1), vectors(2, seed=2).requires_grad_()
        rows = torch.log_softmax(4 * images @ torch.cat([texts, hard]).T, 1)[range(3), range(3)]
        columns = torch.log_softmax(4 * texts @ images.T, 1)[range(3), range(3)]
        assert_close(negclip_loss(images, texts, hard, 4.0), -(rows.mean() + columns.mean()) / 2)

    def test_it_pushes_the_negative_away(self):
        images, texts, hard = vectors(3), vectors(3, seed=1), vectors(3, seed=2).requires_grad_()
        negclip_loss(images, texts, hard, 4.0).backward()
        assert ((hard.grad @ images.T).mean() > 0).item()


class TestOwnNegativesLoss:
    def test_by_hand(self):
        image = torch.tensor([[1.0, 0.0]])
        texts, hard = torch.tensor([[0.8, 0.6]]), torch.tensor([[[0.6, 0.8], [0.0, 1.0]]])
        expected = -math.log(math.exp(8) / (math.exp(8) + math.exp(6) + 1))
        assert_close(own_negatives_loss(image, texts, hard, 10.0).item(), expected, atol=1e-5, rtol=1e-5)

    def test_equals_the_loop(self):
        images, texts, hard = vectors(4), vectors(4, seed=1), vectors(12, seed=2).unflatten(0, (4, 3))
        total = 0.0
        for image, text, others in zip(images, texts, hard, strict=True):
            logits = [5 * (image @ text).item(), *(5 * (image @ other).item() for other in others)]
            total += math.log(sum(map(math.exp, logits))) - logits[0]
        assert_close(own_negatives_loss(images, texts, hard, 5.0).item(), total / 4)

    def test_the_other_pictures_do_not_matter(self):
        images, texts, hard = vectors(2), vectors(2, seed=1), vectors(2, seed=2)[:, None]
        both = own_negatives_loss(images, texts, hard, 5.0)
        alone = [own_negatives_loss(images[i : i + 1], texts[i : i + 1], hard[i : i + 1], 5.0) for i in (0, 1)]
        assert_close(both, sum(alone) / 2)

    def test_gradient(self):
        given = [vectors(3, seed=0), vectors(3, seed=1), vectors(6, seed=2).unflatten(0, (3, 2))]
        scale = torch.tensor(2.0, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(own_negatives_loss, (*(part.requires_grad_() for part in given), scale))


class TestLogitScale:
    def test_begins_at_the_papers_temperature_and_stops_at_100(self):
        scale = LogitScale()
        assert_close(scale().item(), 1 / 0.07)
        scale.log_scale.data.fill_(9.0)
        assert_close(scale().item(), LARGEST_SCALE)
        scale().backward()
        assert scale.log_scale.grad == 0


class TestUnit:
    def test_length_1_and_zeros_stay(self):
        assert_close(unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def one_process(rank, folder):
    """Half of the batch, the gradient averaged as data-parallel training does, written by rank 0."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    weight = torch.eye(5, dtype=torch.double, requires_grad=True)
    mine = slice(2 * rank, 2 * rank + 2)
    images, texts, hard = vectors(4)[mine] @ weight, vectors(4, seed=1)[mine], vectors(4, seed=2)[mine] @ weight
    loss = negclip_loss(gather(images), gather(texts), gather(hard), 3.0)
    loss.backward()
    distributed.all_reduce(weight.grad)
    if rank == 0:
        torch.save({"loss": loss.detach(), "grad": weight.grad / 2}, f"{folder}/found.pt")
    distributed.destroy_process_group()


class TestGather:
    def test_one_process_keeps_its_rows(self):
        rows = vectors(2)
        assert gather(rows) is rows

    @pytest.mark.skipif(os.name == "nt", reason="gloo meets in a file of POSIX here")
    def test_two_processes_equal_one_with_the_whole_batch(self, tmp_path):
        multiprocessing.spawn(one_process, (str(tmp_path),), nprocs=2)
        found = torch.load(tmp_path / "found.pt", weights_only=True)
        weight = torch.eye(5, dtype=torch.double, requires_grad=True)
        hard = vectors(4, seed=2) @ weight
        loss = negclip_loss(vectors(4) @ weight, vectors(4, seed=1), hard, 3.0)
        loss.backward()
        assert_close(found["loss"], loss.detach())
        assert_close(found["grad"], weight.grad)
