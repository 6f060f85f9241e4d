import pytest
import torch
from some_talk import some_views, tiny_talker

from gk_utils.countertop.render import render
from gk_utils.shikra.guided_attention import forward_with_attention, patches_of
from gk_utils.shikra.looked_at import attention_on_things, looked_at, show_attention
from gk_utils.shikra.shikra_recipe import guided_layers
from gk_utils.shikra.talk import Conversation
from gk_utils.shikra.talk_measure import draw_asked


@pytest.fixture(scope="module")
def talker():
    return tiny_talker()


class TestAttentionOnThings:
    @torch.no_grad()
    def test_equals_the_loop_over_questions_and_tokens(self, talker):
        found, asked = attention_on_things(talker, 6), draw_asked("region", 6)
        look, shares, even = talker.look(asked.images), [], []
        for exchange, at in zip(asked.exchanges, asked.pictures, strict=True):
            ids = talker.tokens.encode_talk(Conversation((exchange.question, exchange.answer)))
            first = len(talker.tokens.encode_talk(Conversation((exchange.question,))))
            seen, boxes = look.seen[[at]], torch.tensor([asked.views[at].boxes])
            (thing,) = exchange.things
            on_it = patches_of(look.boxes_unit[[at]], boxes, seen)[0, thing]
            layers = range(len(talker.model.layers))
            _, logs = forward_with_attention(talker.model, look.features[[at]], torch.tensor([ids]), seen, layers)
            if not on_it.any():
                continue
            for place in range(first, len(ids)):
                shares.append([log[0, :, place].exp()[:, on_it].sum(-1).mean() for log in logs])
                even.append(on_it.sum() / (seen.sum() + place + 1))
        torch.testing.assert_close(torch.tensor(found.layers), torch.tensor(shares).mean(0), atol=1e-5, rtol=1e-4)
        assert found.even == pytest.approx(float(torch.stack(even).mean()), abs=1e-6)


class TestLookedAt:
    def test_shares_of_the_most_on_the_patches_that_are_given(self, talker):
        image = render([some_views()[0].scene]).images[0]
        maps = looked_at(talker, image, ["Where is the mug?", "What is at [0.500,0.500]?"])
        assert len(maps) == 2
        for heat in maps:
            assert heat.max() == 1
            assert heat.min() == 0
            assert int((heat > 0).sum()) <= talker.settings["patches"]
        assert guided_layers(len(talker.model.layers)) == (0, 1)


class TestShowAttention:
    def test_a_panel_for_each_question(self, talker):
        figure = show_attention(talker, torch.rand(3, 48, 64), ["Where is the mug?", "Where is the cat?"])
        assert [axes.get_title("left") for axes in figure.axes] == ["Where is the mug?", "Where is the cat?"]
