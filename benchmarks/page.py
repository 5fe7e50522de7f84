"""Sections of docs/performance.md that programs write: each stands between two lines that name its program."""
import pathlib


def section_of(table: list[list[str]], columns: list[str]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---"] * len(columns), *table]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write(path: str, name: str, text: str) -> None:
    """Puts `text` between the lines `<!-- NAME writes from here -->` and the next `<!-- to here -->`."""
    opening, closing = f"<!-- {name} writes from here -->", "<!-- to here -->"
    page = pathlib.Path(path)
    before, begin, rest = page.read_text(encoding="utf-8").partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise SystemExit(f"{path}: no lines that mark where the text goes: {opening} and {closing}")
    page.write_text(f"{before}{opening}\n\n{text}\n{closing}{after}", encoding="utf-8")
