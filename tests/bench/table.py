"""The report: sections with a row for each thing measured, printed at the end."""

WIDTH = 64
CELL = 12


class Report:
    def __init__(self):
        self.lines = []

    def section(self, title, *columns):
        self.lines += ["", title]
        self.row("", *columns)
        self.lines.append("-" * (WIDTH + CELL * len(columns)))

    def row(self, what, *cells):
        """Numbers are printed with as many digits as they are worth; None is an empty cell."""
        self.lines.append((f"{what:<{WIDTH}}" + "".join(f"{text(cell):>{CELL}}" for cell in cells)).rstrip())

    def note(self, words):
        self.lines.append(words)

    def print(self):
        print("\n".join(self.lines))


def text(cell):
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return f"{cell:,.0f}" if cell >= 100 else f"{cell:.2f}"
