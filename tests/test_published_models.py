import importlib
import re

import pytest

from gk_utils import protocols
from gk_utils.hub.published_models import KINDS, MODELS, Published, as_text, find


class TestTable:
    @pytest.mark.parametrize("row", MODELS.values(), ids=list(MODELS))
    def test_a_row_makes_sense(self, row: Published):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", row.repository)
        assert row.kind in KINDS
        assert row.half_gb < row.full_gb
        assert 1.9 * row.millions / 1000 < row.download_gb < 4.5 * row.millions / 1000 + 0.1  # 2 to 4 bytes a number
        assert row.half_gb > 2 * row.millions / 1000 / 1.05  # the weights alone, in two bytes each
        assert row.licence

    def test_all_fit_a_t4_in_half_precision_and_one_says_that_it_does_not_in_full(self):
        assert {row.on_t4 for row in MODELS.values()} == {"half and full", "half"}
        assert [row.name for row in MODELS.values() if row.on_t4 == "half"] == ["qwen2.5-vl-3b"]

    def test_too_large(self):
        assert Published("x", "a/b", "sam", "MIT", 9000, 36, 20, 40).on_t4 == "too large"

    def test_what_the_issue_names_is_there(self):
        assert {row.kind for row in MODELS.values()} == set(KINDS)
        assert {"grounding-dino-tiny", "grounding-dino-base", "sam-vit-huge", "sam2.1-tiny"} < set(MODELS)

    def test_gated(self):
        assert {row.name for row in MODELS.values() if row.gated} == {"sam3", "sam3-text"}
        assert MODELS["sam3"].page == "https://huggingface.co/facebook/sam3"


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
    def test_an_adapter_has_the_methods_of_its_protocols(self, kind):
        import transformers

        adapter = getattr(importlib.import_module(f"gk_utils.hub.{kind.module}"), kind.adapter)
        for name in kind.offers:
            if protocol := getattr(protocols, name, None):
                assert issubclass(adapter, protocol)
        assert {kind.model, kind.processor} <= set(dir(transformers))


class TestFind:
    def test_unknown(self):
        with pytest.raises(ValueError, match="name: expected one of 'grounding-dino-tiny', .* got 'sam'"):
            find("sam")


class TestAsText:
    def test_a_line_for_each(self):
        lines = as_text().splitlines()
        assert len(lines) == len(MODELS) + 1
        assert next(line for line in lines if line.startswith("sam3 ")).endswith("SAM License, on request")
        assert next(line for line in lines if line.startswith("qwen2.5")).count(" half ") == 1
        assert max(map(len, lines)) <= 120
