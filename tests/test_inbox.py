"""Whose files a zip holds, and which of them are read."""

import io
import zipfile

import pytest

from gk_utils.classroom import inbox
from gk_utils.classroom.inbox import content, contents, person, slug

LESSONS = ["06_roi_align", "01_boxes"]


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return zipfile.ZipFile(data)


class TestPerson:
    @pytest.mark.parametrize(
        ("path", "whose"),
        [
            ("Anna Berg_123_assignsubmission_file_/06_roi_align.ipynb", ("anna-berg", "123")),
            ("Anna Berg_123_assignsubmission_file_/deep/06.ipynb", ("anna-berg", "123")),
            ("submitted/anna/06_roi_align/06_roi_align.ipynb", ("anna", "")),
            ("06_roi_align/anna/x.ipynb", ("anna", "")),
            ("anna/x.ipynb", ("anna", "")),
            ("Anna Berg_123_assignsubmission_file_06_roi_align.ipynb", ("anna-berg", "123")),
            ("bergann_4711_99_06_roi_align.ipynb", ("bergann", "4711")),
            ("bergann_LATE_4711_99_06_roi_align-2.ipynb", ("bergann", "4711")),
            ("06_roi_align--anna-berg.ipynb", ("anna-berg", "")),
            ("06_roi_align--4711234.ipynb", ("4711234", "")),
            ("06_roi_align--anna-berg-1 (2).ipynb", ("anna-berg-1", "")),
            ("anna--06_roi_align.ipynb", ("anna", "")),
            ("Copy of 06_roi_align--Anna Berg (1).ipynb", ("anna-berg", "")),
            ("Copy of Copy of 06_roi_align_anna.ipynb", ("anna", "")),
            ("anna_06_roi_align - Copy.ipynb", ("anna", "")),
            ("Copia di 06_roi_align anna.ipynb", ("anna", "")),
            ("06_roi_align_Zoë Łuk.ipynb", ("zoë-łuk", "")),
            ("王芳/06.ipynb", ("王芳", "")),
            ("06_roi_align.ipynb", ("", "")),
            ("Copy of 06_roi_align (2).ipynb", ("", "")),
            ("06.ipynb", ("", "")),
        ],
    )
    def test_whose(self, path, whose):
        assert person(path, LESSONS) == whose


class TestSlug:
    @pytest.mark.parametrize("name", ["../../etc", "a/b\\c", "=cmd()", ".hidden", "*?[x]", "a" * 500, "x\ny", "a_b"])
    def test_is_fit_for_a_folder(self, name):
        made = slug(name)
        assert made
        assert len(made) <= 60
        assert not set(made) & set("/\\.*?[]=() \n")
        assert slug(made) == made

    def test_nothing_left(self):
        assert slug("../..") == slug("") == slug(" _ ") == ""


class TestContents:
    def test_every_file_is_listed_and_rubbish_is_not(self):
        archive = zipped(
            {
                "anna/06_roi_align.ipynb": "{}",
                "anna/.ipynb_checkpoints/06_roi_align-checkpoint.ipynb": "{}",
                "anna/report.pdf": "%PDF",
                "__MACOSX/anna/._06.ipynb": "",
                ".DS_Store": "",
                "bea/": "",
                "bea/all.zip": "",
                "06_roi_align_carl.ipynb": "{}",
            }
        )
        assert [(file.student, file.problem) for file in contents(archive, LESSONS)] == [
            ("anna", ""),
            ("anna", "not a notebook (.ipynb)"),
            ("bea", "a zip inside the zip: unpack it first"),
            ("carl", ""),
        ]

    def test_a_folder_around_all_is_left_out(self):
        archive = zipped({"class of 2027/anna/a.ipynb": "", "class of 2027/bea/a.ipynb": ""})
        assert [file.student for file in contents(archive, LESSONS)] == ["anna", "bea"]

    @pytest.mark.parametrize(
        ("names", "students"),
        [
            (["week 6/06_roi_align--anna.ipynb", "week 6/06_roi_align--bea.ipynb"], ["anna", "bea"]),
            (["class/anna/a.ipynb", "class/bea/a.ipynb", "class/notes.txt"], ["anna", "bea", "notes"]),
            (["class/anna/a.ipynb", "class/06_roi_align--bea.ipynb"], ["anna", "bea"]),
            (["anna/06_roi_align.ipynb", "anna/06_roi_align-copy.ipynb", "anna/me.png"], ["anna"] * 3),
            (["anna/06_roi_align.ipynb", "anna/old/06.ipynb"], ["anna"] * 2),
            (["anna/06_roi_align--anna.ipynb"], ["anna"]),
            ([f"Bo_7_assignsubmission_file_/{name}.ipynb" for name in ("x", "y")], ["bo"] * 2),
        ],
    )
    def test_a_lone_folder_is_someones_or_nobodys(self, names, students):
        files = contents(zipped(dict.fromkeys(names, "{}")), LESSONS)
        assert [file.student for file in files] == students

    @pytest.mark.parametrize("name", ["../anna.ipynb", "/etc/anna.ipynb", "a/../../anna.ipynb", "C:\\anna.ipynb"])
    def test_a_name_that_leads_out_is_refused(self, name):
        (file,) = contents(zipped({name: "{}"}), LESSONS)
        assert file.problem == "its name in the zip leads out of the folder"
        assert not set(file.student) & set("/\\.:")

    def test_a_bomb_is_refused_unopened(self, monkeypatch):
        archive = zipped({"anna/06.ipynb": b"0" * 3_000_000, "bea/06.ipynb": "{}"})
        assert archive.infolist()[0].compress_size < 4_000
        monkeypatch.setattr(inbox, "FILE_BYTES", 2_000_000)
        bomb, other = contents(archive, LESSONS)
        assert (bomb.problem, other.problem) == ("too large: 3 MB unpacked, the limit is 2 MB", "")
        with pytest.raises(ValueError, match="too large"):
            content(archive, bomb.entry)

    def test_many_files_that_are_large_together(self, monkeypatch):
        monkeypatch.setattr(inbox, "ALL_BYTES", 25)
        files = contents(zipped({f"{name}/06.ipynb": "0" * 10 for name in "abc"}), LESSONS)
        assert [bool(file.problem) for file in files] == [False, False, True]

    def test_too_many_files(self, monkeypatch):
        monkeypatch.setattr(inbox, "FILES", 2)
        with pytest.raises(ValueError, match="at most 2 files, got 3"):
            contents(zipped({"a": "", "b": "", "c": ""}), LESSONS)

    def test_people_of_one_name_stay_apart(self):
        archive = zipped(
            {
                "Anna Berg_1_assignsubmission_file_/a.ipynb": "",
                "Anna Berg_2_assignsubmission_file_/a.ipynb": "",
                "Anna Berg_2_assignsubmission_file_/b.ipynb": "",
                "06_roi_align.ipynb": "",
                "06_roi_align (1).ipynb": "",
            }
        )
        files = contents(archive, LESSONS)
        assert [file.student for file in files] == [
            "anna-berg-1",
            "anna-berg-2",
            "anna-berg-2",
            "unnamed-1",
            "unnamed-2",
        ]
        assert [file.known for file in files] == [True, True, True, False, False]


class TestContent:
    def test_reads(self):
        archive = zipped({"a.ipynb": "text"})
        assert content(archive, archive.infolist()[0]) == b"text"

    def test_two_files_of_one_name(self):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("a.ipynb", "first")
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("a.ipynb", "second")
        archive = zipfile.ZipFile(data)
        files = contents(archive, LESSONS)
        assert [content(archive, file.entry) for file in files] == [b"first", b"second"]

    def test_damaged(self):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("a.ipynb", "text of some length")
        broken = bytearray(data.getvalue())
        place = broken.index(b"text of")
        broken[place] ^= 255
        with pytest.raises(ValueError, match="can be unpacked, got: Bad CRC-32"):
            content(zipfile.ZipFile(io.BytesIO(broken)), archive.infolist()[0])

    def test_locked_with_a_password(self):
        archive = zipped({"a.ipynb": "text"})
        archive.infolist()[0].flag_bits |= 1
        with pytest.raises(ValueError, match="can be unpacked"):
            content(archive, archive.infolist()[0])
