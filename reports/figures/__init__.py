"""Small figures as SVG text: intervals, scatter, heat map, dots, lines. Deterministic, no global plotting state.

Panels are narrow (about 300 points), so that a page can set them side by side and a phone below one another. All but
the lines are written directly, since a page has dozens of them; lines are drawn by matplotlib, which is imported then.
"""

from reports.figures.curves import Style, lines
from reports.figures.plane import MOST_DOTS, heat_map, scatter
from reports.figures.rows import dots, intervals

__all__ = ["MOST_DOTS", "Style", "dots", "heat_map", "intervals", "lines", "scatter"]
