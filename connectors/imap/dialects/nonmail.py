"""Folders of Exchange that hold calendars, contacts, tasks, notes and journals: listed like mail, and no mail.

IMAP has no attribute for them, so only names tell, and those are in the mailbox's language: "Agenda" is a calendar in
Dutch, and a good name for a German's folder of agendas. So the language is found first: the one in which most kinds
have their folder at the top, three at least. Exchange keeps those names for its own folders, so that in this language
nothing else can have them. In doubt a folder is mail.
"""

from collections.abc import Iterable

AT_LEAST = 3

LANGUAGES: dict[str, tuple[frozenset[str], ...]] = {
    language: tuple(frozenset(kind.split("|")) for kind in kinds)
    for language, kinds in {
        "en": ("Calendar", "Contacts", "Tasks", "Notes", "Journal"),
        "da": ("Kalender", "Kontakter|Kontaktpersoner", "Opgaver", "Noter", "Journal|Kladde"),
        "de": ("Kalender", "Kontakte", "Aufgaben", "Notizen", "Journal"),
        "es": ("Calendario", "Contactos", "Tareas", "Notas", "Diario"),
        "fr": ("Calendrier", "Contacts", "Tâches", "Notes", "Journal"),
        "it": ("Calendario", "Contatti", "Attività", "Note", "Diario"),
        "nl": ("Agenda", "Contactpersonen", "Taken", "Notities", "Logboek"),
        "pl": ("Kalendarz", "Kontakty", "Zadania", "Notatki", "Dziennik"),
        "pt": ("Calendário", "Contatos|Contactos", "Tarefas", "Anotações|Notas", "Diário"),
        "ru": ("Календарь", "Контакты", "Задачи", "Заметки", "Дневник"),
        "sv": ("Kalender", "Kontakter", "Uppgifter", "Anteckningar", "Journal"),
        "zh": ("日历", "联系人", "任务", "便笺", "日记"),
    }.items()
}
"""What Exchange calls calendar, contacts, tasks, notes and journal. A language that is not here keeps its folders."""


def not_mail(paths: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Which of an Exchange mailbox's folders hold no mail, with all below them."""
    listed = set(paths)
    top = {path[0] for path in listed}
    found = [_named(kinds, top) for kinds in LANGUAGES.values()]
    most = max(map(len, found))
    if most < AT_LEAST:
        return set()
    sure = set.intersection(*(named for named in found if len(named) == most))
    return {path for path in listed if path[0] in sure}


def _named(kinds: tuple[frozenset[str], ...], top: set[str]) -> set[str]:
    """One folder a kind, where there is one alone: a mailbox has one calendar of its own."""
    return {next(iter(kind & top)) for kind in kinds if len(kind & top) == 1}
