"""Tables as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import csv
import io
import re
from html import escape

from freshset.reports.table import Cell, Table, Value

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\N{MINUS SIGN}": r"$-$",
    "\N{EN DASH}": r"--",
    "²": r"$^2$",
}
_LATEX_SPECIAL = re.compile("[" + re.escape("".join(_LATEX)) + "]")
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_SPACE = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def to_csv(table: Table) -> str:
    """Return the raw values at full precision, one field in each column, units in the header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.fields)
    for row in table.rows:
        writer.writerow([_csv_value(value) for cell in row for value in cell.values])
    return out.getvalue()


def _csv_value(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, float) else str(value)


def to_markdown(table: Table) -> str:
    """Return the formatted text as a Markdown table under its caption."""
    head = [_markdown(column.title) for column in table.columns]
    rule = ["---:" if column.align == "right" else ":---" for column in table.columns]
    body = [[_markdown(cell.full) for cell in row] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, rule, *body)]
    return f"{_markdown(table.caption)}\n\n" + "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    # Entities too, so that no renderer takes a name for markup.
    text = _SPACE.sub(" ", text).replace("&", "&amp;")
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text)


def to_latex(table: Table) -> str:
    r"""Return a ``longtable`` in the style of booktabs.

    It needs ``\usepackage{booktabs,longtable,array}`` and an engine or input encoding that knows
    UTF-8.
    """
    columns = "".join(_latex_column(table, i) for i in range(len(table.columns)))
    head = " & ".join(latex_escape(column.title) for column in table.columns) + r" \\"
    lines = [
        r"% \usepackage{booktabs,longtable,array}",
        rf"\begin{{longtable}}{{{columns}}}",
        rf"\caption{{{latex_escape(table.caption)}}} \\",
        r"\toprule",
        head,
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        head,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
    ]
    # Braces keep a cell that starts with a bracket from being read as an argument of \\.
    lines += [
        " & ".join(f"{{{latex_escape(cell.full)}}}" for cell in row) + r" \\" for row in table.rows
    ]
    return "\n".join([*lines, r"\end{longtable}", ""])


def _latex_column(table: Table, index: int) -> str:
    if table.columns[index].align == "right":
        return "r"
    longest = max((len(row[index].full) for row in table.rows), default=0)
    return r"p{0.45\linewidth}" if longest > 50 else "l"


def latex_escape(text: str) -> str:
    """Escape what LaTeX gives a meaning of its own."""
    return _LATEX_SPECIAL.sub(lambda match: _LATEX[match[0]], _SPACE.sub(" ", text))


def to_html(table: Table, *, sortable: bool = False, row_header: int = 0) -> str:
    """Return a ``<table>`` fragment.

    Parameters
    ----------
    sortable
        Put a button into each header; the page's script sorts by the raw values.
    row_header
        Index of the column that names the row.
    """
    kind = ' class="sortable"' if sortable else ""
    head = "".join(_html_header(table, i, sortable=sortable) for i in range(len(table.columns)))
    rows = (
        "".join(
            _html_cell(table, i, cell, row_header, sortable=sortable) for i, cell in enumerate(row)
        )
        for row in table.rows
    )
    body = "\n".join(f"<tr>{cells}</tr>" for cells in rows)
    return (
        f"<table{kind}>\n<caption><span>{_html(table.caption)}</span></caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    )


def _html_header(table: Table, index: int, *, sortable: bool) -> str:
    column = table.columns[index]
    unit = f' <span class="unit">{_html(column.unit)}</span>' if column.unit else ""
    label = _html(column.header) + unit
    css = ' class="num"' if column.align == "right" else ""
    if not sortable:
        return f'<th scope="col"{css}>{label}</th>'
    # The rows come sorted by the first column.
    state = "ascending" if index == 0 else "none"
    return f'<th scope="col"{css} aria-sort="{state}"><button type="button">{label}</button></th>'


def _html_cell(table: Table, index: int, cell: Cell, row_header: int, *, sortable: bool) -> str:
    text = _html(cell.text)
    if cell.mark:
        text += f'<span class="mark">{_html(cell.mark)}</span>'
    if cell.interval:
        text += f' <span class="ci">{_html(cell.interval)}</span>'
    if index == row_header:
        css = "" if table.columns[index].align == "left" else ' class="num"'
        return f'<th scope="row"{css}>{text}</th>'
    # The label is shown where the header is not: on narrow screens.
    named = f' data-label="{_html(table.columns[index].title)}"'
    if table.columns[index].align == "left":
        return f"<td{'' if sortable else named}>{text}</td>"
    value = cell.values[0]
    raw = "" if value is None or isinstance(value, str) else f' data-v="{_csv_value(value)}"'
    return f'<td class="num"{raw if sortable else named}>{text}</td>'


def _html(text: str) -> str:
    """Escape a text; control characters, which HTML forbids, become replacement characters."""
    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))
