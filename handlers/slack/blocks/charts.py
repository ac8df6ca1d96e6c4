"""Figures in Slack's newest blocks; whoever uses them gives the message its `older` blocks too."""

from collections.abc import Mapping, Sequence

from handlers.slack.blocks.block_kit import Block, Element
from handlers.wording.formatting import number, plain

POINTS = 20
ROWS_A_PAGE = 12


def line_chart(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[int]], axis: str
) -> Block:
    """A line for each of the series, which have a value for each of 2 to 20 labels.

    Slack takes 50 characters for the title and the axis, 20 for a label and a name of a series.
    """
    drawn = [
        {
            "name": plain(called, 20),
            "data": [
                {"label": plain(label, 20), "value": value}
                for label, value in zip(labels, values, strict=True)
            ],
        }
        for called, values in series.items()
    ]
    axes = {"categories": [plain(label, 20) for label in labels], "y_label": plain(axis, 50)}
    chart = {"type": "line", "series": drawn, "axis_config": axes}
    return {"type": "data_visualization", "title": plain(title, 50), "chart": chart}


def data_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str | int]]) -> Block:
    """A table of at most 100 rows that its reader sorts, and pages through by twelve.

    Each row begins with what it is about. `caption` says what is found in it.
    """
    return {
        "type": "data_table",
        "caption": plain(caption, 1_000),
        "page_size": ROWS_A_PAGE,
        "row_header_column_index": 0,
        "rows": [[_cell(cell) for cell in row] for row in (head, *rows[:100])],
    }


def _cell(cell: str | int) -> Element:
    if isinstance(cell, int):
        return {"type": "raw_number", "value": cell, "text": number(cell)}
    return {"type": "raw_text", "text": plain(cell, 200)}
