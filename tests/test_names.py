import pytest

from gk_utils.classroom.names import free_names, set_names


class TestFreeNames:
    @pytest.mark.parametrize(
        ("code", "free"),
        [
            ("import torch\nprint(torch.e, math.pi)", ["math"]),
            ("boxes = boxes + 1", ["boxes"]),
            ("total += 1", ["total"]),
            ("a, b = b, a", ["a", "b"]),
            ("x: int = y", ["y"]),
            ("for i in rows:\n    print(i)", ["rows"]),
            ("with open(path) as file:\n    file.read()", ["path"]),
            ("try:\n    go()\nexcept Mine as error:\n    print(error)", ["Mine", "go"]),
            ("match value:\n    case [first, *rest]:\n        print(first, rest, other)", ["other", "value"]),
            ("if (n := 3) > 2:\n    print(n)", []),
            ("[x for x in rows if keep]", ["keep", "rows"]),
            ("rows = [x for x in rows]", ["rows"]),
            ("{k: v for k, v in pairs for w in k if w in v}", ["pairs"]),
            ("scale = lambda x: x * factor", ["factor"]),
            ("again = lambda n: again(n - 1)", []),
            ("def f(a: Kind = start) -> Out:\n    inner = 1\n    def g():\n        return inner, far\n    return g",
             ["Kind", "Out", "far", "start"]),
            ("def f(n):\n    return f(n - 1) + later\nlater = 1", []),
            ("def f(boxes):\n    return [b * unit for b in boxes if any(c > b for c in table)]", ["table", "unit"]),
            ("def f():\n    global count\n    count = 1\n    return count", []),
            ("@decorate\ndef f():\n    pass", ["decorate"]),
            ("class A(Base):\n    size = width\n    def area(self):\n        return size", ["Base", "size", "width"]),
            ('print(f"{value:.{digits}f}")', ["digits", "value"]),
            ("print(len([]), __name__)", []),
        ],
    )  # fmt: skip
    def test_by_hand(self, code, free):
        assert sorted(free_names(code)) == free

    def test_defined_elsewhere(self):
        assert free_names("check(iou)", {"check"}) == ["iou"]

    def test_each_once_in_order(self):
        assert free_names("print(b)\nprint(a, b)") == ["b", "a"]

    def test_not_python(self):
        with pytest.raises(SyntaxError):
            free_names("%matplotlib inline")


class TestSetNames:
    @pytest.mark.parametrize(
        ("code", "names"),
        [
            ("from a import b as c, d", {"c", "d"}),
            ("import a.b", {"a"}),
            ("x = [y for y in z]", {"x"}),
            ("def f():\n    inner = 1", {"f"}),
            ("class A:\n    b = 1", {"A"}),
            ("for i in z:\n    last = i", {"i", "last"}),
            ("x.y = 1\nz[0] = 2", set()),
            ("", set()),
        ],
    )
    def test_by_hand(self, code, names):
        assert set_names(code) == names
