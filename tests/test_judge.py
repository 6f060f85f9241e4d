"""The parts of the verdict that test_check.py does not reach through `check`."""

import contextlib
import signal
import threading
import time

import numpy as np
import pytest

from gk_utils.classroom import judge as judging
from gk_utils.classroom.exercise import Exercise
from gk_utils.classroom.judge import error_text, judge, time_limit

NUMBERS = Exercise("90.half", lambda rng: [(n,) for n in range(1, 8)] + [(int(rng.integers(9, 99)),)])


def half(n):
    return n / 2


def spin():
    while True:
        pass


class TestTimeLimit:
    def test_stops_a_loop(self):
        start = time.monotonic()
        with pytest.raises(TimeoutError), time_limit(0.1):
            spin()
        assert time.monotonic() - start < 5

    def test_leaves_a_quick_block_alone(self):
        before = threading.active_count()
        with time_limit(0.1):
            value = sum(range(100))
        time.sleep(0.3)  # no interrupt comes afterwards
        assert value == 4950
        assert threading.active_count() == before

    def test_a_block_that_ends_when_the_time_is_up_gets_no_late_interrupt(self):
        for _ in range(30):
            try:
                with time_limit(0.005):
                    time.sleep(0.005)
            except TimeoutError:
                pass
        time.sleep(0.05)

    def test_an_error_and_ctrl_c_pass_through(self):
        with pytest.raises(ZeroDivisionError), time_limit(1):
            _ = 1 / 0
        with pytest.raises(KeyboardInterrupt), time_limit(1):
            signal.raise_signal(signal.SIGINT)

    def test_code_that_swallows_the_interrupt_is_still_too_late(self):
        def stubborn():
            try:
                spin()
            except KeyboardInterrupt:
                return

        with pytest.raises(TimeoutError), time_limit(0.1):
            stubborn()

    def test_outside_the_main_thread_nothing_is_stopped(self):
        said = []

        def work():
            with time_limit(0.01):
                time.sleep(0.1)
            said.append("done")

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert said == ["done"]


class TestJudge:
    def test_a_callable_without_a_signature(self):
        assert not judge(NUMBERS, half, dict).passed

    def test_a_callable_object(self):
        class Half:
            def __call__(self, n):
                return n / 2

        assert judge(NUMBERS, half, Half()).passed

    def test_a_reference_that_returns_none_everywhere_is_no_stub(self):
        assert judge(NUMBERS, lambda n: None, lambda n: None).passed

    def test_long_prints_are_cut(self):
        def noisy(n):
            for line in range(100):
                print(line, "x" * 500)

            return 0.0

        text = judge(NUMBERS, half, noisy).text
        assert "it printed:\n    0 xxx" in text
        assert "\n    4 xxx" in text
        assert "\n    ...\n" in text or text.endswith("\n    ...")
        assert max(map(len, text.split("\n"))) < 200

    def test_the_last_case_swallows_the_interrupt(self, monkeypatch):
        def stubborn(n):
            if n == NUMBERS.cases(np.random.default_rng(1))[-1][0]:
                with contextlib.suppress(KeyboardInterrupt):
                    spin()
            return n / 2

        monkeypatch.setattr(judging, "SECONDS", 0.1)
        text = judge(NUMBERS, half, stubborn).text
        assert text.startswith("90.half not passed: stopped after 0.1 s in case 8: half(")

    def test_no_picture_without_a_value_to_draw(self):
        assert judge(NUMBERS, half, lambda n: 7.0).picture == ((1,), 0.5, 7.0)
        for wrong in (lambda n: None, lambda n: "a", lambda n: 1 / 0, lambda n: float("nan"), half):
            assert judge(NUMBERS, half, wrong).picture is None


class TestErrorText:
    def test_first_line_without_addresses(self):
        assert error_text(ValueError("a <B at 0x7f12>\nsecond line")) == "ValueError: a <B>"
        assert error_text(KeyError("boxes")) == "KeyError: 'boxes'"
        assert error_text(RuntimeError()) == "RuntimeError"
        assert len(error_text(ValueError("x" * 1000))) < 250
