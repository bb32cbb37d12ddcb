"""Made-up languages: words of random syllables, drawn by Zipf's law, each with the charset its mail is written in."""

import itertools
from dataclasses import dataclass, field
from random import Random

WORDS = 6000
WORDS_A_LINE = 11

# charset; heads and tails of syllables; how a body in it is usually transferred; its share of the mail in percent
LANGUAGES = (
    ("us-ascii", "b d f g h k l m n p r s t v w st th", "a e i o u ea", ("7bit",), 45),
    ("utf-8", "b d g k l m n r s t ž č ß", "a e i o ä ü ñe é", ("quoted-printable", "base64", "8bit"), 30),
    ("iso-8859-1", "b d f g k l m n r s sch t z", "a e i o u ä ö ü", ("quoted-printable", "8bit"), 7),
    ("windows-1252", "b c d l m n p r s t v", "a e é è i o œ u", ("quoted-printable",), 6),
    ("koi8-r", "б в г д к л м н п р с т", "а е и о у я", ("8bit", "base64"), 4),  # noqa: RUF001
    ("iso-2022-jp", "か さ た な は ま ら", "い う 山 川 日 本", ("7bit",), 4),
    ("gb18030", "中 国 人 大 小 上 下 天", "地 水 火 木 金 土", ("base64",), 4),
)


@dataclass(frozen=True, slots=True)
class Language:
    """Words with their frequencies, and how a body written in them is encoded."""

    charset: str
    transfers: tuple[str, ...]
    share: int
    words: list[str]
    weights: list[float] = field(default_factory=list)

    def line(self, rng: Random, count: int) -> str:
        """`count` words."""
        return " ".join(rng.choices(self.words, cum_weights=self.weights, k=count))

    def text(self, rng: Random, size: int) -> str:
        """About `size` characters in lines of a usual width, with a blank line now and then."""
        drawn = rng.choices(self.words, cum_weights=self.weights, k=max(3, size // 6))
        lines = [" ".join(drawn[at : at + WORDS_A_LINE]) for at in range(0, len(drawn), WORDS_A_LINE)]
        for at in range(5, len(lines), 7):
            lines[at] += ".\n"
        return "\n".join(lines) + "\n"


def make_languages(rng: Random) -> list[Language]:
    """All of them, from one seed."""
    return [_make(rng, *facts) for facts in LANGUAGES]


def _make(rng: Random, charset: str, heads: str, tails: str, transfers: tuple[str, ...], share: int) -> Language:
    syllables = [head + tail for head in heads.split() for tail in tails.split()]
    words = ["".join(rng.choices(syllables, k=rng.choice((1, 1, 2, 2, 3, 4)))) for _ in range(WORDS)]
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(WORDS)))
    return Language(charset, transfers, share, words, weights)
