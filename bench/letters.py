"""Builds single messages of everyday mail, as bytes with LF line ends, from a random source."""

import binascii
from collections import deque
from collections.abc import Callable
from datetime import datetime
from email.header import Header
from random import Random

from bench.attachments import AttachmentPool, base64_lines
from bench.vocabulary import Language, make_languages

REMEMBERED = 200
HOSTS = ("mail.example.com", "mx1.example.net", "smtp.example.org", "relay7.example.com", "list.example.net")


class LetterWriter:
    """Writes messages of every kind. What it remembers (texts to quote, messages to copy) is bounded."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._languages = make_languages(rng)
        self._shares = [language.share for language in self._languages]
        self._pool = AttachmentPool(rng)
        self._people = [self._make_person() for _ in range(400)]
        self._styles = [self._make_style() for _ in range(30)]
        self._texts: deque[tuple[Language, str]] = deque(maxlen=REMEMBERED)
        self._sent: deque[bytes] = deque(maxlen=50)
        self._kinds: tuple[Callable[[datetime], bytes], ...] = (
            self.note,
            self.reply,
            self.newsletter,
            self.with_attachments,
            self.copy,
            self.oddity,
        )

    def write(self, when: datetime) -> bytes:
        """One message of mixed mail."""
        make = self._rng.choices(self._kinds, weights=(18, 29, 30, 16, 3, 4))[0]
        raw = make(when)
        if len(raw) < 500_000:
            self._sent.append(raw)
        return raw

    def tiny(self, when: datetime) -> bytes:
        """A short note with few headers: 1.6 KB on average."""
        language = self._languages[0]
        head = self._head(when, language, received=1)
        body = language.text(self._rng, self._rng.randint(500, 2200))
        return f"{head}Content-Type: text/plain; charset=us-ascii\n\n{body}".encode("ascii")

    def note(self, when: datetime) -> bytes:
        """Plain personal mail."""
        language, text = self._compose(int(self._rng.lognormvariate(7.0, 0.8)))
        return self._head(when, language).encode("ascii") + self._text_part(language, text)

    def reply(self, when: datetime) -> bytes:
        """An answer above one to five levels of quoting; half of them from mailing lists."""
        language, text = self._compose(int(self._rng.lognormvariate(6.5, 0.9)))
        for level in range(1, self._rng.randint(2, 6)):
            quoted = self._rng.choice(self._texts)[1] if self._texts else ""
            text += "\n" + "".join(f"{'>' * level} {line}\n" for line in quoted.splitlines()[:200])
        head = self._head(when, language) + f"In-Reply-To: <{self._rng.getrandbits(64):x}@{HOSTS[0]}>\n"
        return (head + self._list_fields()).encode("ascii") + self._text_part(language, text)

    def newsletter(self, when: datetime) -> bytes:
        """Text and HTML side by side; the HTML repeats its sender's style."""
        language, text = self._compose(int(self._rng.lognormvariate(7.5, 0.8)))
        rows = "".join(
            f'<tr><td class="c{at % 9}"><a href="https://example.com/{self._rng.getrandbits(96):x}">{line}</a></td></tr>\n'
            for at, line in enumerate(text.splitlines())
        )
        style = self._rng.choice(self._styles)
        page = f"<html><head><style>{style}</style></head><body><table>{rows}</table></body></html>\n"
        html = self._text_part(language, page, "html")
        return self._multipart(when, language, "alternative", [self._text_part(language, text), html])

    def with_attachments(self, when: datetime) -> bytes:
        """A note with one to four attachments."""
        language, text = self._compose(600)
        parts = [self._text_part(language, text)]
        for _ in range(self._rng.choice((1, 1, 1, 2, 4))):
            one = self._pool.draw(self._rng)
            head = f'Content-Type: {one.media}; name="{one.name}"\nContent-Transfer-Encoding: base64\n'
            parts.append(f'{head}Content-Disposition: attachment; filename="{one.name}"\n\n'.encode("ascii") + one.body)
        return self._multipart(when, language, "mixed", parts)

    def copy(self, when: datetime) -> bytes:
        """An exact copy of a message sent before."""
        return self._rng.choice(self._sent) if self._sent else self.note(when)

    def oddity(self, when: datetime) -> bytes:
        """Raw 8-bit text without MIME, junk without a Message-ID, or an invitation."""
        language, text = self._compose(1500)
        head = self._head(when, language)
        match self._rng.randrange(3):
            case 0:
                return head.encode("ascii") + b"\n" + text.encode(language.charset, "replace")
            case 1:
                return b"Subject: \xe9\xe8 offer\nFrom: nobody\n\n" + self._rng.randbytes(900).replace(b"\0", b"\n")
        event = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:{self._rng.getrandbits(64):x}\nEND:VEVENT\nEND:VCALENDAR\n"
        invitation = b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\n" + event.encode("ascii")
        return self._multipart(when, language, "alternative", [self._text_part(language, text), invitation])

    def _compose(self, size: int) -> tuple[Language, str]:
        language = self._rng.choices(self._languages, weights=self._shares)[0]
        made = (language, language.text(self._rng, size))
        self._texts.append(made)
        return made

    def _text_part(self, language: Language, text: str, subtype: str = "plain") -> bytes:
        """Headers of the part, a blank line, and the text as this charset is usually transferred."""
        transfer = self._rng.choice(language.transfers)
        data = text.encode(language.charset, "replace")
        if transfer == "quoted-printable":
            data = binascii.b2a_qp(data)
        elif transfer == "base64":
            data = base64_lines(data)
        head = f"Content-Type: text/{subtype}; charset={language.charset}\nContent-Transfer-Encoding: {transfer}\n\n"
        return head.encode("ascii") + data

    def _multipart(self, when: datetime, language: Language, subtype: str, parts: list[bytes]) -> bytes:
        mark = f"=_{self._rng.getrandbits(96):024x}"
        head = f'{self._head(when, language)}Content-Type: multipart/{subtype};\n boundary="{mark}"\n\n'.encode("ascii")
        return head + b"".join(b"--%s\n%s\n" % (mark.encode(), part) for part in parts) + b"--%s--\n" % mark.encode()

    def _head(self, when: datetime, language: Language, received: int = 4) -> str:
        rng, date = self._rng, when.strftime("%a, %d %b %Y %H:%M:%S +0000")
        hops = "".join(
            f"Received: from {rng.choice(HOSTS)} (10.{rng.getrandbits(8)}.0.{rng.getrandbits(8)})\n"
            f"\tby {rng.choice(HOSTS)} with ESMTPS id {rng.getrandbits(60):x}; {date}\n"
            for _ in range(rng.randint(1, received))
        )
        seal = f"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1;\n\tb={rng.getrandbits(1024):0256x}\n"
        return (
            f"{hops}{seal if received > 1 else ''}"
            f"Message-ID: <{rng.getrandbits(96):024x}@{rng.choice(HOSTS)}>\nDate: {date}\n"
            f"From: {rng.choice(self._people)}\nTo: {rng.choice(self._people)}\n"
            f"Subject: {self._encoded(language)}\nMIME-Version: 1.0\n"
        )

    def _encoded(self, language: Language) -> str:
        words = language.line(self._rng, self._rng.randint(1, 7))
        return words if words.isascii() else Header(words, "utf-8", 60).encode()

    def _list_fields(self) -> str:
        if self._rng.random() < 0.5:
            return ""
        name = self._rng.choice(HOSTS)
        return f"List-Id: <talk.{name}>\nList-Unsubscribe: <mailto:leave@{name}>\nPrecedence: list\nX-Mailer: made up\n"

    def _make_person(self) -> str:
        first, last = self._languages[0].line(self._rng, 2).split()
        return f"{first.title()} {last.title()} <{first}.{last}@example.com>"

    def _make_style(self) -> str:
        count = int(self._rng.lognormvariate(5.3, 0.6))
        return "".join(
            f".c{at} {{ color: #{self._rng.getrandbits(24):06x}; margin: {at % 40}px }}\n" for at in range(count)
        )
