"""What the page of a run says, in whatever form it is written."""

from dataclasses import dataclass

from reports import correlation_page, glossary
from reports.headline import conditions, headline, picture
from reports.records import CARD, Run
from reports.schema import Figure, Section


@dataclass(frozen=True)
class Made:
    """A page: the question, the answer (a paragraph a string) with a picture, one line of conditions, the rest.

    card: the file with the data card beside the page, or ''.
    """

    title: str
    answer: tuple[str, ...]
    picture: Figure | None
    conditions: str
    card: str
    sections: tuple[Section, ...]


def page_of(run: Run) -> Made:
    """The page of a run: the answer first; notices, words and how to repeat it last."""
    title = run.page.title if run.page else f"Which proxy ranks {run.manifest.space or 'the networks'} best?"
    answer = headline(run) if run.correlations else ()
    sections = correlation_page.sections(run) if run.correlations else []
    if run.page:
        answer, sections = (*answer, *run.page.lead), [*sections, *run.page.sections]
    line = conditions(run)
    if run.manifest.notes:
        sections.append(Section("conditions", "Conditions", tuple(note.text for note in run.manifest.notes)))
    words = glossary.section([title, *answer, line, *glossary.texts_of(sections)])
    taken = {section.name for section in sections}
    sections += [
        each for each in (words, correlation_page.repeat_section(run.manifest)) if each and each.name not in taken
    ]
    drawn = picture(run) if run.correlations else None
    return Made(title, answer, drawn, line, CARD if run.card else "", tuple(sections))
