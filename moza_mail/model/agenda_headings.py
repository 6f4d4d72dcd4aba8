"""The titles that begin an agenda, unless the project's settings name others."""

AGENDA_HEADINGS = (
    "Agenda", "Events", "Evenementen", "Kalender", "Calendar", "Termine", "Veranstaltungen", "Evenements",
    "Manifestations",
)  # fmt: skip
"""The titles that make a section an agenda, without accents."""
