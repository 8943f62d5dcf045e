"""The text of a table's bytes: UTF-8, UTF-16, or an older encoding that is guessed by charset-normalizer and checked."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import charset_normalizer

# Those that tables come in, the usual ones first: of two that give the same text the first is named.
GUESSED = (
    "cp1252", "cp932", "euc_jp", "cp949", "gb18030", "cp950", "cp1250", "cp1251", "mac_roman", "koi8_r", "iso8859_2", "cp1253", "cp1254",
    "cp850",
)  # fmt: skip
SAMPLE = 2**14  # bytes of lines that are not ASCII; what is guessed from
NAMES = 50  # files whose names are looked for
PLAUSIBLE = 0.75  # share of the words
CLEARLY = 0.08  # what is less plausible than the best by so much is not looked at, likely or not

# Letters beyond ASCII in which languages are written. A word in letters of two of them is written in none.
_ALPHABETS = (
    "àâæçéèêëîïôœùûüÿ", "äöüßé", "áéíñóúüª º", "àèéìíîòóùúï", "ãáâàçéêíõóôúü", "éëïöüèêáóí", "åäöæøéü", "ąćęłńóśźż", "áčďéěíňóřšťúůýž",
    "áäčďéíľĺňóôŕšťúýž", "áéíóöőúüű", "ăâîșşțţ", "čćđšž", "çğıöşüâî", "àçéèíïóòúü·",
)  # fmt: skip
_MARKS = set("’‘“”„‚«»‹›–—…°·•€£©®™×½¼¾¿¡§№ªº²³´\xa0・、。「」『』（）〔〕：；，！？～ー々〇　《》〈〉【】")
_WORD = re.compile(r"[^\W_]+")
_WITHIN = re.compile(r"(?<=[^\W\d_])[“”„‚«»‹›…•–—¿¡©®§]+(?=[^\W\d_])")  # marks that stand beside words and not in them
_NO_PORTUGUESE = re.compile("[õÕ](?![eEsS])")  # which has it before e, and is what Hungarian's most usual letter is misread as
_EAST = {"cp932", "euc_jp", "gb18030", "cp950", "cp949"}


@dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str
    guessed: bool  # whether nothing in the file says that this is its encoding


def decode(data: bytes, names: Sequence[str] = (), encoding: str = "") -> Decoded:
    """Decodes a table. `names` are those of files, some of which it may mention; `encoding` is what somebody said it is in, or "".

    Raises ValueError, with the reason, for what is no text, not in that encoding, or in none that is plausible.
    """
    if encoding:
        try:
            return Decoded(data.decode(encoding).removeprefix("\ufeff"), encoding, False)
        except LookupError:
            raise ValueError(f"there is no encoding {encoding!r}") from None
        except UnicodeError as error:
            raise ValueError(f"not in {encoding} ({error.reason if isinstance(error, UnicodeDecodeError) else error})") from None
    marked = _marked(data)
    if marked:
        try:
            return Decoded(data.decode(marked), marked, False)
        except UnicodeDecodeError:
            raise ValueError(f"not a text (it begins like {marked.upper()} and goes on otherwise)") from None
    if b"\0" in data:
        return Decoded(_utf_16(data), "utf-16", True)
    try:
        return Decoded(data.decode("utf-8"), "utf-8", False)
    except UnicodeDecodeError:
        return _guessed(data, names)


def _marked(data: bytes) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
                           (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):  # fmt: skip
        if data.startswith(mark):
            return encoding
    return ""


def _utf_16(data: bytes) -> str:
    """UTF-16 without its mark, which is known by the zeros beside commas and line ends."""
    head = data[: 4 * SAMPLE]
    high, low = head[::2].count(0), head[1::2].count(0)
    for encoding, zeros, others in (("utf-16-le", low, high), ("utf-16-be", high, low)):
        if others == 0 and zeros >= max(2, len(head) // 200) and len(data) % 2 == 0:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                break
    raise ValueError("not a text table (it holds NUL bytes)")


def _guessed(data: bytes, names: Sequence[str]) -> Decoded:
    sample = _sample(data)
    texts = {encoding: text for encoding in GUESSED if (text := _text(sample, encoding)) is not None}
    if (found := _by_names(data, names, list(texts))) and (text := _text(data, found)) is not None:
        return Decoded(text, found, True)
    scores = {encoding: plausibility(text, encoding) for encoding, text in texts.items()}
    found_by = charset_normalizer.from_bytes(sample, cp_isolation=list(texts)) if texts else ()
    likely = {alias for match in found_by for alias in (match.encoding, *match.could_be_from_charset)}
    best = max(scores.values(), default=0.0)

    def rank(encoding: str) -> tuple:
        score = scores[encoding]
        return score < best - CLEARLY, -round(score, 1), encoding not in likely, GUESSED.index(encoding)

    order = sorted(texts, key=rank)
    for encoding in order:
        if scores[encoding] < PLAUSIBLE:
            break
        if (text := _text(data, encoding)) is not None:
            return Decoded(text, encoding, True)
    near = " or ".join(order[:2]) if order else "none that is known"
    raise ValueError(
        f"not in UTF-8, and in no other encoding its words are plausible (the nearest: {near}); save it as UTF-8, or name its encoding "
        "with --config.collection.encoding=NAME"
    )


def _sample(data: bytes) -> bytes:
    """Lines that are not ASCII, from the whole of the data."""
    lines: list[bytes] = []
    size = 0
    for match in re.finditer(rb"[^\r\n]*[\x80-\xff][^\r\n]*", data):
        lines.append(match[0][:2000])
        size += len(lines[-1])
        if size > SAMPLE:
            break
    return b"\n".join(lines)


def _text(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _by_names(data: bytes, names: Sequence[str], encodings: Sequence[str]) -> str:
    """Returns the encoding in which most of the names of files are in the data, if there are such."""
    telling = [name for name in names if not name.isascii()][:NAMES]
    counts = dict.fromkeys(encodings, 0)
    for name in telling:
        name = unicodedata.normalize("NFC", name.rpartition("/")[2].rpartition(".")[0])
        if name.isascii():
            continue
        for encoding in encodings:
            written = name.encode(encoding, "ignore")
            counts[encoding] += written.decode(encoding, "ignore") == name and written in data[: 2**20]
    best = max(counts, key=lambda encoding: counts[encoding], default="")
    return best if best and counts[best] else ""


def plausibility(text: str, encoding: str) -> float:
    """Returns which share of the words of a text that are not ASCII may be words, 0 to 1, if it was decoded from `encoding`."""
    if encoding in _EAST:
        return _east_asian(text, encoding)
    foreign, good, allowed = 0, 0, [0] * len(_ALPHABETS)
    cyrillic = greek = marks = 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        foreign += 1
        letters = {letter for letter in word if not letter.isascii()}
        if any(letter.isdigit() for letter in word) or not _cased(word):
            continue
        good += 1
        names = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters]
        cyrillic += all(name == "CYRILLIC" for name in names) and not any(letter.isascii() for letter in word)
        greek += all(name == "GREEK" for name in names) and not any(letter.isascii() for letter in word)
        small = {letter.lower() for letter in letters}
        for n, alphabet in enumerate(_ALPHABETS):
            allowed[n] += small <= set(alphabet)
    wrong = sum(1 for letter in text if not letter.isascii() and not letter.isalnum() and letter not in _MARKS)
    wrong += 2 * len(_NO_PORTUGUESE.findall(text)) if encoding == "cp1252" else 0
    wrong += 2 * len(_WITHIN.findall(text))
    marks = sum(1 for letter in text if letter in _MARKS)
    best = max([cyrillic, greek, *allowed])
    known = best + 0.5 * (good - best) if best else 0  # names of other countries stand in every catalogue
    return (known + marks) / (foreign + marks + wrong) if foreign + marks + wrong else 0.0


def _cased(word: str) -> bool:
    return word.islower() or word.isupper() or word.istitle() or word.upper() == word.lower()


def _east_asian(text: str, encoding: str) -> float:
    """Returns which share of the letters beyond ASCII is of those that are usual in the language that is written in this encoding."""
    foreign = [letter for letter in text if not letter.isascii()]
    if not foreign:
        return 0.0
    usual = sum(_usual(letter, encoding) for letter in foreign)
    # In Latin words with accents the letter after each is swallowed: what is left sticks to an ideograph.
    glued = len(re.findall("[A-Za-z][\u3400-\u9fff\uac00-\ud7af]|[\u3400-\u9fff\uac00-\ud7af][a-z]", text))
    kana = encoding not in ("cp932", "euc_jp") or any("\u3040" <= letter <= "\u30ff" for letter in foreign)
    return max(0.0, (usual - glued) / len(foreign)) * (1.0 if kana else 0.85)  # little is written in Japanese without any


def _usual(letter: str, encoding: str) -> bool:
    if letter in _MARKS or (encoding in ("cp932", "euc_jp") and "\u3040" <= letter <= "\u30ff"):
        return True
    if "\uff01" <= letter <= "\uff5e":  # full-width letters and digits
        return True
    try:
        first = letter.encode({"cp932": "euc_jp", "gb18030": "gb2312", "cp950": "big5", "cp949": "euc_kr"}.get(encoding, encoding))[0]
    except UnicodeEncodeError:
        return False
    # The first bytes of the letters that the standards list as usual: JIS level 1, GB level 1, Big5 level 1, Hangul.
    least, most = {"cp932": (0xB0, 0xCF), "euc_jp": (0xB0, 0xCF), "gb18030": (0xB0, 0xD7), "cp950": (0xA4, 0xC6), "cp949": (0xB0, 0xC8)}[
        encoding
    ]
    return least <= first <= most
