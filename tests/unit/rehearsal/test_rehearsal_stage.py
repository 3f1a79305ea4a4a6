"""The stage of a rehearsal: one time for the runner and for those who look at it."""

from collections.abc import Callable

from genesis_ops.rehearsal.stage import Killed, Stage, runners, watcher

SECOND = 1000


def ticking(stage: Stage, ticks: list[int], seconds: float = 10.0) -> Callable[[], None]:
    clock = runners(stage)

    def life() -> None:
        while stage.stop_number is None:
            ticks.append(clock.now_ms())
            clock.wait(seconds)

    return life


def test_a_runner_comes_as_far_as_its_first_wait_before_anybody_looks() -> None:
    stage, ticks = Stage(0), []
    stage.begin(ticking(stage, ticks))
    assert (ticks, stage.true_ms, stage.lives) == ([0], 0, True)
    stage.kill()


def test_the_runner_lives_up_to_the_moment_that_is_waited_for_and_no_further() -> None:
    stage, ticks = Stage(0), []
    stage.begin(ticking(stage, ticks))
    stage.until(25 * SECOND)
    assert (ticks, stage.true_ms) == ([0, 10_000, 20_000], 25_000)
    watcher(stage).wait(5.0)
    assert ticks[-1] == 30_000
    stage.kill()


def test_a_wait_that_somebody_else_cut_in_two_is_no_longer_for_it() -> None:
    stage, ticks = Stage(0), []
    stage.begin(ticking(stage, ticks))
    for ms in range(0, 30_001, 700):
        stage.until(ms)
    assert ticks == [0, 10_000, 20_000]
    stage.kill()


def test_a_signal_ends_the_wait_and_the_runner_ends_in_good_order() -> None:
    stage, ticks = Stage(0), []
    stage.begin(ticking(stage, ticks, seconds=3600))
    stage.stop_number = 15
    stage.until(100)
    assert (stage.lives, stage.ended_by, ticks) == (False, None, [0])


def test_a_kill_ends_a_runner_that_expects_every_error() -> None:
    stage, caught = Stage(0), []
    clock = runners(stage)

    def life() -> None:
        try:
            clock.wait(3600)
        except Exception as error:  # noqa: BLE001 - what the test is about
            caught.append(error)

    stage.begin(life)
    stage.kill()
    assert not stage.lives
    assert isinstance(stage.ended_by, Killed)
    assert not caught


def test_time_goes_on_while_a_runner_hangs_and_it_does_nothing() -> None:
    stage, ticks = Stage(0), []
    stage.begin(ticking(stage, ticks))
    stage.hangs = True
    stage.until(3600 * SECOND)
    assert (ticks, stage.true_ms, stage.lives) == ([0], 3600 * SECOND, True)
    stage.kill()
    assert not stage.lives


def test_what_ended_a_runner_and_when_is_known() -> None:
    stage = Stage(0)
    clock = runners(stage)

    def life() -> None:
        clock.wait(7)
        raise ValueError("no more")

    stage.begin(life)
    stage.until(60 * SECOND)
    assert (str(stage.ended_by), stage.ended_ms, stage.true_ms) == ("no more", 7000, 60_000)


def test_a_wrong_clock_of_the_host_leaves_the_true_time_and_the_steady_one_alone() -> None:
    stage = Stage(5000)
    clock = watcher(stage)
    stage.ahead_ms = 300_000
    assert (clock.now_ms(), clock.monotonic(), stage.true_ms) == (305_000, 5.0, 5000)
