"""`replicator reconcile compare`: are these two the same message?"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectors.errors import PARTLY, ConfigError
from replicator.advice import advice_on, described
from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.options import Command, boilerplate_option, json_option

if TYPE_CHECKING:
    from reconcile.boilerplate import Boilerplate
    from reconcile.fingerprint import Reading
    from reconcile.verdict import Verdict

REVIEWS = 4
CHUNK = 1 << 20

FilePair = tuple[str, str]


@click.command("compare", cls=Command, short_help="Are these two the same message?")
@click.argument("files", nargs=-1, metavar="[A B]")
@click.option("--pairs", metavar="FILE", help="Compare many: two paths a line, separated by a tab; - for stdin.")
@boilerplate_option
@click.option("--learn", is_flag=True, help="With --pairs: learn first what was added to many of them.")
@click.option("--explain", is_flag=True, help="Show also what each copy says of itself, and the way it took.")
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    files: tuple[str, ...],
    pairs: str | None,
    boilerplate: tuple[Path, ...],
    learn: bool,
    explain: bool,
    as_json: bool,
) -> int:
    """Compare two messages, or many pairs of them, and say whether they are one, and why.

    A and B are files that hold a message each. `same` is said only where all that makes a message is equal, so that one
    copy can be left out; `distinct` are two messages; `review` is for someone to look at. docs/fingerprints.md explains
    the tiers.

    Ends with 4 if there are reviews, with 3 if some pair could not be read.
    """
    if (pairs is None) == (not files) or (files and len(files) != 2):
        raise click.UsageError("name two files, or a file of pairs with --pairs")
    if learn and pairs is None:
        raise click.UsageError("--learn learns from many: name them with --pairs")
    asked = list(_listed(pairs)) if pairs is not None else [(files[0], files[1])]
    known = _known(boilerplate, asked if learn else [])
    codes = {_answer(pair, known, explain=explain, as_json=as_json, alone=pairs is None) for pair in asked}
    return PARTLY if PARTLY in codes else max(codes, default=0)


def _listed(file: str) -> Iterator[FilePair]:
    """Raises ConfigError for a line that names no two files."""
    with click.open_file(file, encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            names = line.rstrip("\r\n").split("\t")
            if len(names) >= 2 and names[0] and names[1]:
                yield names[0], names[1]
            elif line.strip():
                raise ConfigError(f"{file}, line {number}: no two paths with a tab between them", "one pair a line")


def _known(files: tuple[Path, ...], learn_from: list[FilePair]) -> "Boilerplate":
    from reconcile.boilerplate import SHIPPED
    from reconcile.teaching import taught

    given = SHIPPED.adding(file.read_text("utf-8", "replace") for file in files)
    if not learn_from:
        return given
    found = taught(given, _readable(learn_from))
    print_note(f"learned {len(found.texts) - len(given.texts)} texts that were added to several messages")
    return found


def _readable(pairs: list[FilePair]) -> Iterator[tuple["Reading", "Reading"]]:
    for a, b in pairs:
        try:
            yield _read(a), _read(b)
        except OSError:
            continue  # said when it is compared


def _read(file: str) -> "Reading":
    from reconcile.fingerprint import read

    with Path(file).open("rb") as opened:
        return read(iter(lambda: opened.read(CHUNK), b""))


def _answer(pair: FilePair, known: "Boilerplate", *, explain: bool, as_json: bool, alone: bool) -> int:
    from reconcile.verdict import Outcome, judge

    try:
        one, other = map(_read, pair)
    except OSError as error:
        if alone:
            raise
        _fail(pair, error, as_json=as_json)
        return PARTLY
    verdict = judge(one.fingerprint, other.fingerprint, lambda: (one.texts, other.texts), known)
    if as_json:
        print_json(_document(pair, verdict, explain=explain))
    elif alone:
        _show(verdict)
    else:
        print_text(f"{verdict.outcome.value:<8}  {verdict.tier:<3}  {pair[0]}  {pair[1]}  {'; '.join(verdict.reasons)}")
    if explain and not as_json:
        _explain(pair)
    return REVIEWS if verdict.outcome is Outcome.REVIEW else 0


def _document(pair: FilePair, verdict: "Verdict", *, explain: bool) -> dict[str, Any]:
    from replicator.forensics import examine

    found = {"a": pair[0], "b": pair[1], "verdict": verdict.outcome.value, "tier": verdict.tier}
    detail = {"detail": [examine(Path(file)) for file in pair]} if explain else {}
    return {**found, "reasons": list(verdict.reasons), **detail}


def _fail(pair: FilePair, error: OSError, *, as_json: bool) -> None:
    """One pair; the others are compared."""
    if as_json:
        problem = {"code": type(error).__name__, "message": described(error), "advice": advice_on(error)}
        print_json({"a": pair[0], "b": pair[1], "error": problem})
    else:
        print_note(f"not compared: {described(error)}")


def _show(verdict: "Verdict") -> None:
    print_text(f"{verdict.outcome.value}, by tier {verdict.tier}:")
    for reason in verdict.reasons:
        print_text(f"- {reason}")


def _explain(pair: FilePair) -> None:
    from replicator.cli.reconcile.explanation import show_explanation

    show_explanation(pair)
