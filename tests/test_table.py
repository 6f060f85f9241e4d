from gk_utils.evaluate.table import as_text


def test_one_line_a_metric_and_one_column_a_baseline():
    one, two = ({"value": value, "low": 0.0, "high": 1.0} for value in (0.125, 0.5))
    result = {
        **{"name": "rec", "split": "testA", "n": 3, "checkpoint": "trunk", "device": "cpu", "seconds": 2.5},
        "metrics": {"miou": one, "by_type": {"ordinal": {"acc@0.5": two}}},
        "baselines": {"centre_box": {"miou": two}, "language_only": {"by_type": {"ordinal": {"acc@0.5": one}}}},
    }
    assert as_text(result).splitlines() == [
        "rec on 3 of testA, checkpoint trunk, cpu, 2.5 s",
        "                         measured [95 % interval]  centre_box  language_only",
        "miou                     0.125 [0.000, 1.000]           0.500",
        "by_type ordinal acc@0.5  0.500 [0.000, 1.000]                          0.125",
    ]
