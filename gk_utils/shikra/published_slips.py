"""Two slips of the published code, made again in small and mended: a blank that its own reader trips over, and braces.

The formatter for points as tokens writes a blank between x and y; its reader knows of none, and finds no point. The
one for boxes writes the same blank, but there the reader drops blanks first. And places are put into a sentence with
`str.format`, for which every other pair of braces in the sentence is a place too.

Source: TokenFormatter and BoxFormatter in shikras/shikra at 1204f10,
mllm/dataset/process_function/box_process_function.py.
Notebook: 13.
"""

import re
from collections.abc import Sequence

BINS = 1001
PLACEHOLDER = "<boxes>"
_POINT = r"<bin_(\d+)>{gap}<bin_(\d+)>"

Point = tuple[float, float]


def points_as_tokens(points: Sequence[Point]) -> str:
    """Points, as fractions, in the published token format, blank included.

    >>> points_as_tokens([(0.1, 0.25)])
    '<p_st><bin_100> <bin_250><p_ed>'
    """
    pairs = (f"<bin_{round(x * (BINS - 1))}> <bin_{round(y * (BINS - 1))}>" for x, y in points)
    return f"<p_st>{'<p_sep>'.join(pairs)}<p_ed>"


def read_points_as_published(text: str) -> list[list[Point]]:
    """What the published reader finds: groups of points written without any blank.

    >>> read_points_as_published(points_as_tokens([(0.1, 0.25)]))
    []
    """
    return _read(text, gap="")


def read_points(text: str) -> list[list[Point]]:
    """The same, mended: a blank may stand between two tokens.

    >>> read_points(points_as_tokens([(0.1, 0.25), (0.5, 1.0)]))
    [[(0.1, 0.25), (0.5, 1.0)]]
    """
    return _read(text, gap=r"\s*")


def fill_as_published(sentence: str, brackets: Sequence[str]) -> str:
    """Put brackets where the sentence has its placeholder, as published.

    Raises:
        KeyError, IndexError, ValueError: the sentence has braces of its own.

    >>> fill_as_published("The mug<boxes> is {red}.", ["[0.1,0.2,0.3,0.4]"])
    Traceback (most recent call last):
    ...
    KeyError: 'red'
    """
    return sentence.replace(PLACEHOLDER, "{}").format(*brackets)


def fill(sentence: str, brackets: Sequence[str]) -> str:
    """The same, mended: nothing but the placeholder is one.

    Raises:
        ValueError: more or fewer brackets than placeholders.

    >>> fill("The mug<boxes> is {red}.", ["[0.1,0.2,0.3,0.4]"])
    'The mug[0.1,0.2,0.3,0.4] is {red}.'
    """
    pieces = sentence.split(PLACEHOLDER)
    if len(pieces) != len(brackets) + 1:
        raise ValueError(
            f"brackets: expected {len(pieces) - 1}, one for each {PLACEHOLDER}, got {len(brackets)}. Count them."
        )
    return pieces[0] + "".join(bracket + piece for bracket, piece in zip(brackets, pieces[1:], strict=True))


def _read(text: str, gap: str) -> list[list[Point]]:
    point = _POINT.format(gap=gap)
    plain = re.sub(r"\((\\d\+)\)", r"\1", point)
    groups = re.findall(rf"<p_st>({plain}(?:<p_sep>{plain})*)<p_ed>", text)
    return [[(int(x) / (BINS - 1), int(y) / (BINS - 1)) for x, y in re.findall(point, group)] for group in groups]
