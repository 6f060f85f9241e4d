import pytest
import torch
from some_talk import SETTINGS, some_views, tiny_talker

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.countertop.render import render
from gk_utils.shikra.shikra_chat import Chat, load_mini, pad_to_square, respelled
from gk_utils.shikra.talk import Conversation, Mark, read
from gk_utils.shikra.talk_tasks import ask_for


@pytest.fixture(scope="module")
def talker():
    return tiny_talker()


@pytest.fixture(scope="module")
def images():
    return render([view.scene for view in some_views(3)]).images


class TestTalker:
    def test_a_question_at_a_time_or_all_at_once(self, talker, images):
        look = talker.look(images)
        texts = ["the mug", "the red mug", "the cat"]
        asked = [Conversation((ask_for("rec", text),)) for text in texts]
        together = talker.answer(look, [0, 1, 2], asked, steps=8)
        alone = [talker.answer(talker.look(images[row : row + 1]), [0], [asked[row]], steps=8)[0] for row in range(3)]
        assert together == alone

    def test_log_odds_are_differences_of_logits(self, talker, images):
        look, asked = talker.look(images[:1]), [Conversation((ask_for("truth", "a mug is near a cat"),))]
        odds = talker.log_odds(look, [0], asked, ("Yes", "No"))
        ids = talker.tokens.encode_talk(asked[0], open_turn=True)
        logits = talker.model(look.features, torch.tensor([ids]), look.seen)[0, -1]
        yes, no = (talker.tokens.encode(word)[0] for word in ("yes", "no"))
        torch.testing.assert_close(odds[0], (logits[yes] - logits[no]).detach())


class TestChat:
    def test_places_are_spelled_as_the_model_reads_them(self, talker, images):
        said = [Chat(talker, images[0]).ask(f"What is at {place}?").text for place in ("[0.5,0.25]", "[0.500,0.250]")]
        assert said[0] == said[1]
        assert respelled(read("user", "From [0.9,0.2,0.1,0.4] on")).text == "From [0.100,0.200,0.900,0.400] on"

    def test_keeps_what_was_said(self, talker, images):
        chat = Chat(talker, images[0])
        first = chat.ask("What is in the picture?")
        chat.ask("Where is it?")
        assert len(chat.conversation.utterances) == 4
        assert chat.conversation.utterances[1] == first
        chat.forget()
        assert chat.conversation == Conversation()

    def test_an_unknown_word_leaves_it_as_it_was(self, talker, images):
        chat = Chat(talker, images[0])
        with pytest.raises(ValueError, match="'zebra'"):
            chat.ask("Where is the zebra?")
        assert chat.conversation == Conversation()

    def test_brackets_and_boxes_are_inverse(self, talker):
        chat = Chat(talker, torch.zeros(3, 100, 160))
        boxes = torch.tensor([[16.0, 10.0, 80.0, 90.0]])
        (mark,) = read("user", chat.bracket(boxes)).marks
        torch.testing.assert_close(chat.boxes(mark), boxes, atol=0.1, rtol=0)
        assert chat.bracket(boxes[:, :2]) == "[0.100,0.250]"

    def test_boxes_stay_in_the_picture(self, talker):
        chat = Chat(talker, torch.zeros(3, 100, 160))
        assert chat.boxes(Mark(0, 1, ((0.0, 0.0, 1.0, 1.0),))).tolist() == [[0.0, 0.0, 160.0, 100.0]]


class TestPadToSquare:
    def test_known(self):
        square = pad_to_square(torch.ones(3, 2, 4), 4)
        assert square[0].tolist() == [[0.5] * 4, [1.0] * 4, [1.0] * 4, [0.5] * 4]

    def test_a_square_is_resized_alone(self):
        assert pad_to_square(torch.ones(3, 8, 8), 4).equal(torch.ones(3, 4, 4))

    def test_no_pixels(self, unhooked):
        with pytest.raises(ValueError, match="image: expected pixels"):
            pad_to_square(torch.zeros(3, 0, 4), 4)


class TestLoadMini:
    def test_a_folder(self, tmp_path, talker, images):
        checkpoints.save(talker.model.state_dict(), tmp_path / "tiny", Card("tiny", 0, 1, "CPU", 0.0, {}, SETTINGS))
        again, card = load_mini(tmp_path / "tiny")
        asked = [Conversation((ask_for("rec", "the mug"),))]
        assert card.recipe == "tiny"
        assert again.answer(again.look(images), [0], asked, steps=4) == talker.answer(
            talker.look(images), [0], asked, steps=4
        )

    def test_what_is_not_there(self):
        with pytest.raises(FileNotFoundError, match="gk_utils train shikra_small"):
            load_mini("nowhere")

    def test_what_is_something_else(self):
        with pytest.raises(ValueError, match="expected a dialogue model"):
            load_mini("trunk_small")
