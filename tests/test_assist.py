"""The command `assist`."""

import json

import pytest
from PIL import Image
from some_assistant import painted

from gk_utils.__main__ import main
from gk_utils.assist import assist_file, save_evidence


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "kitchen.png"
    Image.fromarray((painted().images[0].permute(1, 2, 0) * 255).byte().numpy()).save(path)
    return path


class TestAssistFile:
    def test_in_words_and_as_json(self, picture, tmp_path):
        found = assist_file(picture, "How many mugs are there?", mine=tmp_path)
        text = found.as_text()
        assert "There are 2: mugs." in text
        assert "mugs: 2 boxes" in text
        assert "functions: 10.from_to reference" in text
        entry = json.loads(found.as_json())
        assert (entry["value"], entry["tier"], len(entry["shown"])) == ("2", "mini", 2)

    def test_with_a_function_of_the_learners(self, picture, tmp_path):
        block = '# >>> 10.from_to\ndef from_to(truths, low, high):\n    return "unknown"\n# <<< 10.from_to\n'
        (tmp_path / "solutions.py").write_text(block)
        found = assist_file(picture, "How many mugs are there?", mine=tmp_path)
        assert found.answer.parts == {"10.from_to": "yours"}
        assert "not certain" in found.answer.notes[0]
        alone = assist_file(picture, "How many mugs are there?", mine=tmp_path, reference=True)
        assert alone.answer.parts == {"10.from_to": "reference"}

    def test_another_ending(self, picture, tmp_path):
        with pytest.raises(ValueError, match=r"--save: expected a name that ends in .png"):
            save_evidence(assist_file(picture, "Why?"), tmp_path / "out.jpg")


class TestCommand:
    def test_prints_one_json_object_and_saves(self, picture, tmp_path, capsys):
        out = tmp_path / "out.png"
        arguments = ["assist", str(picture), "Is there a cat?", "--reference", "--json", "--save", str(out)]
        assert main(arguments) == 0
        assert json.loads(capsys.readouterr().out)["value"] == "none"
        with Image.open(out) as drawn:
            assert drawn.width > 200

    @pytest.mark.parametrize("case", ["file", "question", "ending", "device"])
    def test_bad_input_is_one_line_and_status_2(self, picture, tmp_path, capsys, case):
        arguments = {
            "file": [str(tmp_path / "none.png"), "Why?"],
            "question": [str(picture), " "],
            "ending": [str(picture), "Why?", "--save", str(tmp_path / "out.gif")],
            "device": [str(picture), "Why?", "--device", "nonsense"],
        }[case]
        with pytest.raises(SystemExit) as stopped:
            main(["assist", *arguments])
        printed = capsys.readouterr()
        assert (stopped.value.code, printed.out) == (2, "")
        assert len(printed.err.splitlines()) == 1
        assert "expected" in printed.err
