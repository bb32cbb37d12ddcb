"""Trains replicator/mailstore/blobs/generic.zdict from made-up mail.

    python bench/train_dictionary.py [OUTPUT]

A dictionary is made of pieces of its samples, so no sample may come from anyone's mail: made_up_mail.toml was invented
for this. The same zstandard release gives the same file again. A new dictionary gets a new number, and the old one
stays, because records name the one that they need (docs/format.md).
"""

import random
import sys
import tomllib
from pathlib import Path
from typing import Any

import zstandard

SIZE = 48 << 10
SAMPLES = 6000
SEED = 20260101
MATERIAL = Path(__file__).with_name("made_up_mail.toml")
DEFAULT = Path(__file__).parents[1] / "replicator/mailstore/blobs/generic.zdict"


class Author:
    """Writes made-up mail from one random source."""

    def __init__(self, rng: random.Random, material: dict[str, Any]) -> None:
        self.rng = rng
        self.material = material

    def message(self) -> bytes:
        """One whole message."""
        kinds = (self.plain, self.plain, self.plain, self.html, self.alternative, self.mixed, self.calendar)
        lines, body = self.rng.choice(kinds)()
        text = "\n".join([*self.headers(), *lines]) + "\n\n" + body
        return (text if self.rng.random() < 0.3 else text.replace("\n", "\r\n")).encode()

    def headers(self) -> list[str]:
        trace = [self.filled(self.material["received"]) for _ in range(self.rng.randrange(4))]
        extra = self.rng.sample(self.material["sometimes"], self.rng.randrange(9))
        main = list(self.material["always"])
        if self.rng.random() < 0.3:
            self.rng.shuffle(main)
        return trace + [self.filled(line) for line in extra + main]

    def plain(self) -> tuple[list[str], str]:
        kind = f"Content-Type: text/plain; charset={self.one('charsets')}"
        return [kind, f"Content-Transfer-Encoding: {self.one('encodings')}"], self.text()

    def html(self) -> tuple[list[str], str]:
        inner = "".join(f"{self.one('html')}{self.word()} {self.word()}" for _ in range(self.rng.randrange(3, 20)))
        text = self.material["html_start"] + inner + self.material["html_end"]
        lines = ["Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"]
        return lines, text.replace("=", "=3D") if self.rng.random() < 0.5 else text

    def alternative(self) -> tuple[list[str], str]:
        return self.parts("alternative", self.plain(), self.html())

    def mixed(self) -> tuple[list[str], str]:
        name = f"{self.word()}.{self.one('suffixes')}"
        lines = [
            f'Content-Type: {self.one("attachments")};\n\tname="{name}"',
            f'Content-Disposition: attachment;\n\tfilename="{name}"',
            "Content-Transfer-Encoding: base64",
        ]
        return self.parts("mixed", self.rng.choice((self.alternative, self.plain))(), (lines, ""))

    def calendar(self) -> tuple[list[str], str]:
        lines = ['Content-Type: text/calendar; charset="utf-8"; method=REQUEST', "Content-Transfer-Encoding: 8bit"]
        return self.parts("alternative", self.plain(), (lines, self.material["calendar"]))

    def parts(self, kind: str, *parts: tuple[list[str], str]) -> tuple[list[str], str]:
        boundary = self.filled(self.one("boundaries"))
        body = "This is a multi-part message in MIME format.\n\n" if self.rng.random() < 0.3 else ""
        for lines, text in parts:
            body += f"--{boundary}\n" + "\n".join(lines) + f"\n\n{text}\n"
        return [f'Content-Type: multipart/{kind};\n\tboundary="{boundary}"'], f"{body}--{boundary}--\n"

    def text(self) -> str:
        language = self.rng.choice(("en", "en", "en", "de", "fr", "es"))
        paragraphs = []
        for _ in range(self.rng.randrange(1, 6)):
            mark = "> " if self.rng.random() < 0.2 else ""
            words = [self.word(language) for _ in range(self.rng.randrange(8, 60))]
            lines = [mark + " ".join(words[i : i + 12]) for i in range(0, len(words), 12)]
            paragraphs.append("\n".join(lines).capitalize() + ".")
            if self.rng.random() < 0.4:
                paragraphs.append(self.one("phrases"))
        return "\n\n".join(paragraphs) + "\n"

    def filled(self, template: str) -> str:
        """The template with every placeholder replaced, each time anew."""
        makers = {
            "domain": lambda: self.one("domains"),
            "hex": lambda: self.rng.randbytes(12).hex(),
            "HEX": lambda: self.rng.randbytes(6).hex().upper(),
            "name": lambda: f"{self.word().capitalize()} {self.word('de').capitalize()}",
            "address": lambda: f"{self.word()}.{self.rng.randbytes(3).hex()}@{self.one('domains')}",
            "agent": lambda: self.one("agents"),
            "transfer": lambda: self.one("transfers"),
            "number": lambda: str(self.rng.randrange(255)),
            "date": self.date,
            "subject": lambda: self.one("subjects"),
            "words": lambda: " ".join(self.word() for _ in range(self.rng.randrange(2, 7))),
        }
        for name, make in makers.items():
            while f"{{{name}}}" in template:
                template = template.replace(f"{{{name}}}", make(), 1)
        return template

    def date(self) -> str:
        rng = self.rng
        clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
        day = f"{self.one('days')}, {rng.randrange(1, 29)} {self.one('months')} {rng.randrange(2001, 2027)}"
        return f"{day} {clock} {self.one('zones')}"

    def one(self, name: str) -> str:
        values = self.material[name]
        chosen: str = self.rng.choice(values.split() if isinstance(values, str) else values)
        return chosen

    def word(self, language: str = "en") -> str:
        return self.rng.choice(self.material["words"][language].split())


def main() -> None:
    """Writes the dictionary, and says what it is worth."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    author = Author(random.Random(SEED), tomllib.loads(MATERIAL.read_text()))
    trained = zstandard.train_dictionary(
        SIZE, [author.message() for _ in range(SAMPLES)], level=3, threads=1, dict_id=1
    )
    output.write_bytes(trained.as_bytes())
    fresh = [author.message() for _ in range(500)]
    packers = (zstandard.ZstdCompressor(level=3), zstandard.ZstdCompressor(level=3, dict_data=trained))
    packed = [sum(len(packer.compress(message)) for message in fresh) for packer in packers]
    ratios = [sum(map(len, fresh)) / size for size in packed]
    print(
        f"{output}: {len(trained)} bytes; fresh made-up mail packs {ratios[0]:.2f} without it, {ratios[1]:.2f} with it"
    )


if __name__ == "__main__":
    main()
