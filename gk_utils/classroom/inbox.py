"""Reads a zip of submissions, as a learning platform or a teacher makes it: which file is whose, and what it holds.

Nothing is unpacked to disk, and no name in the zip becomes a path: a file is read into memory, up to a limit. What
cannot be read is listed with the reason, so that every file of the zip is accounted for.
"""

import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

FILE_BYTES = 50_000_000
"""A larger notebook is refused: without its outputs it is a thousandth of that."""
ALL_BYTES = 5_000_000_000
"""What all files of a zip may unpack to: the rest is refused."""
FILES = 10_000
"""How many entries a zip may have."""

UNNAMED = "unnamed"

_RUBBISH = re.compile(r"(^|/)(__MACOSX/|\.[^./]|Thumbs\.db$|desktop\.ini$)|/$|-checkpoint\.ipynb$")
_LEADS_OUT = re.compile(r"(^|/)\.\.(/|$)|^/|^[A-Za-z]:|\x00")
_ROOTS = {"submissions", "submitted", "abgaben", "downloads"}
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_")  # a folder a person
_CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_")  # the start of a file's name
_COPY = re.compile(r"^(cop(y of|ie de|ia d[ei])|kopie von) +|( - copy| copy|-copy\d*|_copy)$| ?\(\d+\)$", re.I)


@dataclass(frozen=True)
class Handed:
    """One file of the zip.

    Attributes:
        file: its name in the zip, with folders.
        student: a name fit for a folder, from the file's folder or name; each person has one of their own.
        when: when the file was last changed, by the zip.
        entry: where it is in the zip; two files may have one name.
        problem: why it is not read; nothing if it is.
        known: False where neither folder nor file name holds a person's name.
    """

    file: str
    student: str
    when: datetime
    entry: zipfile.ZipInfo
    problem: str = ""
    known: bool = True


def open_zip(file: Path | BytesIO) -> zipfile.ZipFile:
    """Open a zip of submissions.

    Raises:
        ValueError: no file, or no zip.

    >>> open_zip(Path("nothing.zip"))
    Traceback (most recent call last):
    ...
    ValueError: zip: expected a zip of submissions, got nothing.zip ([Errno 2] No such file or directory: ...
    """
    try:
        return zipfile.ZipFile(file)
    except Exception as error:  # zipfile raises eight kinds, some for one damaged name
        reason = str(error).split("\n")[0][:200] or type(error).__name__
        raise ValueError(f"zip: expected a zip of submissions, got {file} ({reason}). Name another.") from None


def contents(archive: zipfile.ZipFile, lessons: Collection[str]) -> list[Handed]:
    """List the files of a zip in its order, without what operating systems add.

    Args:
        archive: an open zip.
        lessons: names of lessons, such as "01_boxes": they are no part of a person's name.

    Raises:
        ValueError: more than 10,000 entries.
    """
    entries = archive.infolist()
    if len(entries) > FILES:
        raise ValueError(f"zip: expected at most {FILES} files, got {len(entries)}. Split it.")
    entries = [entry for entry in entries if not _RUBBISH.search(_slashes(entry.filename))]
    paths = [_slashes(entry.filename) for entry in entries]
    around = _around_all([path for path in paths if path.lower().endswith(".ipynb")], lessons)
    handed, owners, total = [], [], 0
    for entry, path in zip(entries, paths, strict=True):
        name, number = person(path.removeprefix(around), lessons)
        total += entry.file_size
        problem = _refused(entry, path) or ("the zip unpacks to more than 5 GB" if total > ALL_BYTES else "")
        when = datetime(*entry.date_time) if _is_date(entry.date_time) else datetime(1980, 1, 1)
        handed.append(Handed(entry.filename, name or UNNAMED, when, entry, problem, bool(name)))
        owners.append((name or UNNAMED, number if name else path))
    return [replace(file, student=student) for file, student in zip(handed, _apart(owners), strict=True)]


def content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return what a file of a zip holds.

    Raises:
        ValueError: it cannot be read, or it is larger than it said.
    """
    try:
        with archive.open(entry) as stream:
            data = stream.read(FILE_BYTES + 1)
    except Exception as error:  # damaged, encrypted, an unknown compression: zipfile raises six kinds
        reason = str(error).split("\n")[0][:100] or type(error).__name__
        raise ValueError(f"file: expected one that can be unpacked, got: {reason}. Ask for it again.") from None
    if len(data) > FILE_BYTES:
        raise ValueError(_too_large(len(data)))
    return data


def person(path: str, lessons: Collection[str] = ()) -> tuple[str, str]:
    """Return whose file this is, as a name fit for a folder, and the platform's number for them; "" where not given.

    Folders count first: `Anna Berg_123_assignsubmission_file_/06.ipynb` (Moodle), `anna/06.ipynb`; then file names:
    `Anna Berg_123_assignsubmission_file_06.ipynb` (Moodle without folders), `bergann_123_456_06.ipynb` (Canvas),
    `06_roi_align--anna.ipynb` (what `submit` writes), `06_roi_align_anna.ipynb`.

    >>> person("Anna Berg_123_assignsubmission_file_/x.ipynb")
    ('anna-berg', '123')
    >>> person("Copy of 06_roi_align--Anna (1).ipynb", ["06_roi_align"])
    ('anna', '')
    """
    *folders, file = path.split("/")
    while folders and (folders[0].lower() in _ROOTS or folders[0] in lessons):
        folders.pop(0)
    if folders and (name := slug(folders[0])):
        moodle = _MOODLE.match(folders[0])
        return (slug(moodle["name"]), moodle["number"]) if moodle else (name, "")
    stem = re.sub(r"\.\w+$", "", file)
    if platform := _MOODLE.match(stem) or _CANVAS.match(stem):
        return slug(platform["name"]), platform["number"]
    for _ in range(3):  # "Copy of Copy of 06 (1)"
        stem = _COPY.sub("", stem.strip())
    _, dashes, last = stem.rpartition("--")
    if dashes and last not in lessons:
        return slug(last), ""  # whole: a number in it may be theirs
    for lesson in lessons:
        stem = re.sub(rf"(?<![a-zA-Z]){re.escape(lesson)}(?![a-zA-Z])", " ", stem)
    return slug(re.sub(r"(?<!\w)\d+(?!\w)", " ", stem)), ""


def slug(name: str) -> str:
    """Return a name in lower case, its words joined by dashes: letters of any alphabet, digits and "_" stay.

    >>> slug("  Anna  Berg-Lee ")
    'anna-berg-lee'
    """
    words = re.split(r"[^\w]+|_+(?!\w)|(?<!\w)_+", unicodedata.normalize("NFC", name))
    return "-".join(word for word in words if word).lower()[:60]


def _around_all(notebooks: list[str], lessons: Collection[str]) -> str:
    """Return the folder that all notebooks lie in, with its slash, if it is nobody's own: else nothing.

    It is nobody's if it holds folders alone, or files that name several people.
    """
    tops = {path.partition("/")[0] for path in notebooks}
    top = tops.pop() if len(tops) == 1 else ""
    if not top or len(notebooks) < 2 or _MOODLE.match(top):
        return ""
    inside = [path.partition("/")[2] for path in notebooks]
    people = [person(path, lessons)[0] for path in inside]
    beside = {name for name, path in zip(people, inside, strict=True) if name and "/" not in path}
    nobodys = all("/" in path for path in inside) or len(beside) > 1 or (all(people) and len(set(people)) > 1)
    return f"{top}/" if nobodys else ""


def _apart(owners: list[tuple[str, str]]) -> list[str]:
    """Give people of one name a name each: with the platform's number, or counted."""
    keys: dict[str, list[str]] = {}
    for name, number in owners:
        if number not in keys.setdefault(name, []):
            keys[name].append(number)
    taken = Counter[str]()
    made: dict[tuple[str, str], str] = {}
    for name, number in owners:
        if (name, number) not in made:
            taken[name] += 1
            alone = len(keys[name]) == 1 and name != UNNAMED
            made[name, number] = name if alone else f"{name}-{number if number.isdigit() else taken[name]}"
    return [made[owner] for owner in owners]


def _refused(entry: zipfile.ZipInfo, path: str) -> str:
    """Say why an entry is not even opened; nothing if it is."""
    if _LEADS_OUT.search(path):
        return "its name in the zip leads out of the folder"
    if path.lower().endswith(".zip"):
        return "a zip inside the zip: unpack it first"
    if not path.lower().endswith(".ipynb"):
        return "not a notebook (.ipynb)"
    return _too_large(entry.file_size) if entry.file_size > FILE_BYTES else ""


def _too_large(size: int) -> str:
    return f"too large: {size / 1e6:.0f} MB unpacked, the limit is {FILE_BYTES / 1e6:.0f} MB"


def _slashes(name: str) -> str:
    return name.replace("\\", "/")


def _is_date(date: tuple[int, ...]) -> bool:
    try:
        datetime(*date)
    except ValueError:
        return False
    return True
