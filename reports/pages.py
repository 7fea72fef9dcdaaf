"""What the page of a run says, in whatever form it is written."""

from reports import correlation_page
from reports.headline import headline
from reports.records import Page, Run


def page_of(run: Run) -> Page:
    """Title, first words and all sections of a run; the last one tells how to repeat it."""
    title = run.page.title if run.page else f"Which proxy ranks {run.manifest.space or 'the networks'} best?"
    lead = tuple(headline(run)) if run.correlations else ()
    sections = tuple(correlation_page.sections(run)) if run.correlations else ()
    if run.page:
        lead, sections = (*run.page.lead, *lead), (*sections, *run.page.sections)
    return Page(title, lead, (*sections, correlation_page.repeat_section(run.manifest)))
