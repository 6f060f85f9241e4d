"""The claims ledger as a page that a phone can show: the rows of its table as short paragraphs, lesson by lesson."""

import re

BAR = re.compile(r"(?<!\\)\|")
SHOWN = re.compile(r"\[(?P<title>.+), (?P<label>[\w-]+)\]\((?P<address>[^)]+)\)")


def claims_page(ledger: str) -> str:
    """The text of book/CLAIMS.md with its table taken apart; links stay as they are.

    >>> row = "| GIoU. | right | It has a slope. | [01 Boxes, slope](01_boxes.ipynb#cell-id=01-slope) | slope: 0.3 |"
    >>> print(claims_page("# Claims" + chr(10) * 2 + "| Claim |" + chr(10) + "|---|" + chr(10) + row))
    # Claims
    <BLANKLINE>
    ## 01 Boxes
    <BLANKLINE>
    **GIoU.** <span class="verdict right">right</span><br>
    It has a slope.<br>
    <span class="measured">slope: 0.3 · [shown here](01_boxes.ipynb#cell-id=01-slope)</span>
    <BLANKLINE>

    Raises:
        ValueError: a row without its five cells, or without a link to a lesson's cell.
    """
    before = [line for line in ledger.splitlines() if not line.startswith("|")]
    rows = [line for line in ledger.splitlines() if line.startswith("|")][2:]
    text, last = "\n".join(before).rstrip() + "\n", None
    for row in rows:
        cells = [cell.strip().replace("<", "&lt;") for cell in BAR.split(row)[1:-1]]  # <box> is a word here
        shown = SHOWN.fullmatch(cells[3]) if len(cells) == 5 else None
        if shown is None:
            raise ValueError(f"ledger: expected five cells with a link in the fourth, got {row!r}. Run: make notebooks")
        claim, verdict, holds, _, measured = cells
        if shown["title"] != last:
            last = shown["title"]
            text += f"\n## {last}\n"
        text += (
            f'\n**{claim}** <span class="verdict {verdict}">{verdict}</span><br>\n{holds}<br>\n'
            f'<span class="measured">{measured} · [shown here]({shown["address"]})</span>\n'
        )
    return text
