"""Break checks/ and runlog/ on purpose, one small change at a time, and count the changes that a test notices.

    python tests/bench/mutants.py [file of src/genesis_ops/checks or runlog ...] [--sample N --seed N]
                                  [--seconds N] [--workers N] [--keep FILE] [--again FILE]

Without a file all of both rooms are broken. The tests of ``TESTS`` are collected once and run once to learn which
lines each of them reaches. Then every mutant is a forked process: the changed module is executed beside the living
one, whatever differs (a function's code, a default, a constant, a table, a class's attribute) is grafted onto the
living one and onto what was derived from it, and the tests that reach the line run, those first that noticed its
neighbours. The first failure, a crash and an endless loop kill the mutant; one that outlives ``--seconds`` of tests
has survived, which is the cautious reading. Hypothesis is held to 20 fixed examples. ``--keep`` writes the survivors
as JSON, ``--again`` breaks only those that such a file names, by what they are and not by their line's number.

What is changed stands in ``mutations.py`` beside this file.
"""

import argparse
import ast
import enum
import gc
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from mutations import Mutant, mutants

HERE = Path(__file__).resolve().parents[2]
ROOMS = [HERE / "src/genesis_ops/checks", HERE / "src/genesis_ops/runlog"]
TESTS = ["tests/unit/checks", "tests/unit/runlog", "tests/unit/collect"]
SURVIVED, STILLBORN, CRASHED = -1, -2, -3
ANSWERS = {SURVIVED: "survived", STILLBORN: "stillborn", CRASHED: "crashed"}
DERIVED = ("genesis_ops.runlog", "genesis_ops.checks", "genesis_ops.collect")


class Measured:
    """A test, how long it takes (s of processor time) and which lines of the mutated files it reaches."""

    def __init__(self, item: pytest.Item, seconds: float, lines: set[tuple[str, int]]) -> None:
        self.item, self.seconds, self.lines, self.place = item, seconds, lines, 0
        self.file = item.nodeid.partition("::")[0]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(HERE / "src").with_suffix("").parts)


def passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def measure(items: list[pytest.Item], files: set[str]) -> list[Measured]:
    """Run every test once; those that fail without any mutant are of no use."""
    found = []
    for item in items:
        lines: set[tuple[str, int]] = set()

        def local(frame: Any, event: str, _: object, lines: set[tuple[str, int]] = lines) -> Any:
            if event == "line":
                lines.add((frame.f_code.co_filename, frame.f_lineno))
            return local

        def tracer(frame: Any, _event: str, _argument: object, local: Any = local) -> Any:
            return local if frame.f_code.co_filename in files else None

        began = time.process_time()
        threading.settrace(tracer)
        sys.settrace(tracer)
        good = passes(item)
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        if good:
            found.append(Measured(item, time.process_time() - began, lines))
        else:
            print(f"fails without a mutant, left out: {item.nodeid}", flush=True)
    return found


def spread(tests: list[Measured]) -> list[Measured]:
    """Put the quickest of each family of cases first, then the second of each, and so on."""
    rank: dict[str, int] = defaultdict(int)
    placed = []
    for test in sorted(tests, key=lambda test: test.seconds):
        family = test.item.nodeid.partition("/test_")[2].rsplit("/", 2)[0]
        placed.append((rank[family], test.seconds, test))
        rank[family] += 1
    ordered = [test for *_, test in sorted(placed, key=lambda entry: entry[:2])]
    for place, test in enumerate(ordered):
        test.place = place
    return ordered


def inner(thing: Any) -> Any:
    """Get at the function inside a property, a cached or a class method."""
    for name in ("fget", "func", "__func__", "__wrapped__"):
        if not isinstance(thing, FunctionType | type) and (found := getattr(thing, name, None)) is not None:
            return inner(found)
    wrapped = getattr(thing, "__wrapped__", None)
    return thing if wrapped is None or isinstance(thing, type) else inner(wrapped)


def same(old: Any, new: Any) -> bool:
    """Compare what two executions of a module made, functions and classes by name: they are grafted on their own."""
    if isinstance(new, FunctionType) and new.__name__ == "<lambda>":
        return isinstance(old, FunctionType) and old.__code__ == new.__code__
    if isinstance(new, FunctionType | type):
        return isinstance(old, FunctionType | type) and old.__qualname__ == new.__qualname__
    if isinstance(new, tuple | list):
        return isinstance(old, tuple | list) and len(old) == len(new) and all(map(same, old, new))
    if isinstance(new, dict):
        return isinstance(old, dict) and same(list(old.items()), list(new.items()))
    return bool(old == new) or (type(new).__eq__ is object.__eq__)


def native(value: Any, module: ModuleType) -> Any:
    """Put a value of the changed execution in terms of the living one's classes, functions and members."""
    living = vars(module)
    if isinstance(value, enum.Enum) and type(value).__name__ in living:
        return living[type(value).__name__][value.name]
    if isinstance(value, FunctionType | type):
        return living.get(value.__qualname__, value)
    if isinstance(value, tuple | list | set | frozenset):
        parts = [native(part, module) for part in value]
        kind = native(type(value), module)
        return kind(*parts) if hasattr(value, "_fields") else kind(parts)
    if isinstance(value, dict):
        return {native(key, module): native(part, module) for key, part in value.items()}
    return value


def graft(module: ModuleType, old: Any, new: dict[str, Any]) -> bool:
    """Make a living module or class do as the changed one does; tell whether a value changed that others may hold."""
    changed = False
    for name, value in new.items():
        if name not in vars(old) or name in {"__builtins__", "__dict__", "__weakref__", "__doc__"}:
            continue
        living = vars(old)[name]
        if isinstance(value, type) and value.__module__ == module.__name__:
            if not issubclass(value, enum.Enum):
                changed |= graft(module, living, dict(vars(value)))
        elif isinstance(inner(value), FunctionType):
            graft_function(inner(living), inner(value), module)
        elif not isinstance(value, ModuleType | cached_property) and not same(living, value):
            put(old, name, living, native(value, module))
            changed = True
    return changed


def graft_function(living: Any, new: Any, module: ModuleType) -> None:
    if new.__module__ != module.__name__ and new.__name__ != "__new__":  # imported, or made by NamedTuple
        return
    if living.__code__ != new.__code__:
        living.__code__ = new.__code__
    if not same(living.__defaults__, new.__defaults__):
        living.__defaults__ = native(new.__defaults__, module)
    if not same(living.__kwdefaults__ or {}, new.__kwdefaults__ or {}):
        living.__kwdefaults__ = native(new.__kwdefaults__, module)


def put(holder: Any, name: str, old: Any, new: Any) -> None:
    """Set a changed value, and wherever it was imported to; private names are nobody else's."""
    setattr(holder, name, new)
    if isinstance(holder, ModuleType) and not name.startswith("_"):
        for other in list(sys.modules.values()):
            if name in getattr(other, "__dict__", {}) and same(vars(other)[name], old):
                setattr(other, name, new)


def execute(module: ModuleType, code: CodeType) -> dict[str, Any]:
    space = {"__name__": module.__name__, "__file__": module.__file__}
    exec(code, space)
    return space


def install(path: Path, tree: ast.Module) -> None:
    """Graft a changed module onto the living one, and what other modules derived from it onto them."""
    module = sys.modules[name_of(path)]
    if graft(module, module, execute(module, compile(ast.fix_missing_locations(tree), str(path), "exec"))):
        others = [m for name, m in sys.modules.items() if name.startswith(DERIVED) and m is not module]
        for other in [*others, *reversed(others)]:
            file = Path(str(other.__file__))
            graft(other, other, execute(other, compile(file.read_text("utf-8"), str(file), "exec")))
    for name, known in list(sys.modules.items()):
        for thing in list(vars(known).values()) if name.startswith(DERIVED) else []:
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()


def child(mutant: Mutant, tests: list[Measured], seconds: float, scratch: Path, session: pytest.Session) -> int:
    """Be a mutant: answer with the place of the test that noticed, or with why none did."""
    session.config._tmp_path_factory._basetemp = scratch  # type: ignore[attr-defined]
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    signal.setitimer(signal.ITIMER_PROF, 10)
    try:
        mutant.change()
        install(mutant.path, mutant.tree)
    except Exception:  # noqa: BLE001 - whatever keeps a module from being loaded
        return STILLBORN
    began = time.process_time()
    for place, test in enumerate(tests):
        if time.process_time() - began > seconds:
            break
        signal.setitimer(signal.ITIMER_PROF, 3 + 10 * test.seconds)
        signal.setitimer(signal.ITIMER_REAL, 60 + 100 * test.seconds)
        if not passes(test.item):
            return place
    return SURVIVED


class Breaking:
    """The pytest plugin that takes the place of the run."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.killers: dict[tuple[Path, str], list[Measured]] = defaultdict(list)
        self.busy: dict[int, tuple[Mutant, list[Measured], Path, int]] = {}
        self.figures: dict[str, Counter[str]] = defaultdict(Counter)
        self.survivors: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        tame(session.items)
        files = [*map(Path.resolve, map(Path, self.asked.files))] or [p for r in ROOMS for p in sorted(r.glob("*.py"))]
        todo = [mutant for path in files for mutant in mutants(path)]
        if self.asked.again:
            named = {tuple(key) for key in json.loads(self.asked.again.read_text("utf-8"))}
            todo = [mutant for mutant in todo if mutant.key in named]
        if self.asked.sample:
            todo = random.Random(self.asked.seed).sample(todo, min(self.asked.sample, len(todo)))
        print(f"{len(todo)} mutants, {len(session.items)} tests", flush=True)
        tests = spread(measure(session.items, set(map(str, files))))
        print(f"one pass over the tests took {sum(test.seconds for test in tests):.0f} s of processor time", flush=True)
        gc.collect()
        gc.freeze()
        for number, mutant in enumerate(todo):
            if len(self.busy) == self.asked.workers:
                self.reap()
            if number % 200 == 0:
                print(f"{number} of {len(todo)}, {len(self.survivors)} survived", file=sys.stderr, flush=True)
            self.start(mutant, tests, session)
        while self.busy:
            self.reap()
        self.tell()
        return True

    def start(self, mutant: Mutant, tests: list[Measured], session: pytest.Session) -> None:
        wanted = {(str(mutant.path), line) for line in mutant.lines}
        own = f"_{mutant.path.stem}"
        near = [test for test in tests if not wanted.isdisjoint(test.lines)]
        near.sort(key=lambda test: own not in test.file)
        if not mutant.inside or not near:  # what is made at import may be used anywhere
            rest = set(tests) - set(near)
            near += sorted(rest, key=lambda t: (own not in t.file, mutant.path.parent.name not in t.file, t.place))
        known = [test for test in self.killers[mutant.path, mutant.owner] if test in near]
        ordered = [*known, *(test for test in near if test not in known)]
        scratch = Path(tempfile.mkdtemp(prefix="mutant"))
        here, there = os.pipe()
        if (process := os.fork()) == 0:
            for number in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.write(there, str(child(mutant, ordered, self.asked.seconds, scratch, session)).encode())
            os._exit(0)
        os.close(there)
        self.busy[process] = (mutant, ordered, scratch, here)

    def reap(self) -> None:
        process, _ = os.wait()
        mutant, ordered, scratch, here = self.busy.pop(process)
        with os.fdopen(here) as pipe:
            answer = pipe.read()
        shutil.rmtree(scratch, ignore_errors=True)
        place = int(answer or CRASHED)
        figures = self.figures[f"{mutant.path.parent.name}/{mutant.path.name}"]
        figures[ANSWERS.get(place, "noticed")] += 1
        if place >= 0:
            known = self.killers[mutant.path, mutant.owner]
            known[:] = [ordered[place], *(test for test in known if test is not ordered[place])][:12]
        elif place == SURVIVED:
            self.survivors.append(mutant)
            print(f"survived {mutant}{'' if ordered else '   (no test reaches it)'}", flush=True)

    def tell(self) -> None:
        """Print the figures; what cannot even be loaded is no mutant."""
        print("\n| file | mutants | killed | of them by crash or time | survived | killed |\n|---|---|---|---|---|---|")
        for name, found in [*self.figures.items(), ("all", sum(self.figures.values(), Counter()))]:
            crashed, survived = found["crashed"], found["survived"]
            killed = found["noticed"] + crashed
            part = 100 * killed / max(1, killed + survived)
            print(f"| {name} | {killed + survived} | {killed} | {crashed} | {survived} | {part:.1f} % |")
        print(f"not counted, because they cannot be loaded: {sum(f['stillborn'] for f in self.figures.values())}")
        if self.asked.keep:
            self.asked.keep.write_text(json.dumps([mutant.key for mutant in self.survivors]), "utf-8")


def tame(items: list[pytest.Item]) -> None:
    """Hold Hypothesis to few and always the same examples, and keep it from making a found failure smaller."""
    import hypothesis  # later than pytest, which wants to rewrite its asserts

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    for item in items:
        function = getattr(item, "obj", None)
        usual = getattr(function, "_hypothesis_internal_use_settings", None)
        if usual is not None:
            few = min(20, usual.max_examples)
            tamed = hypothesis.settings(usual, max_examples=few, derandomize=True, database=None, phases=phases)
            function._hypothesis_internal_use_settings = tamed  # type: ignore[union-attr]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--again", type=Path)
    parser.add_argument("--tests", nargs="*", default=TESTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:  # other runs of pytest clear away what lies in its usual place
        options = ["-s", "-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=none", "--basetemp", f"{scratch}/p"]
        places = [str(HERE / place) for place in asked.tests]
        sys.exit(pytest.main([*options, "--rootdir", str(HERE), *places], [Breaking(asked)]))


if __name__ == "__main__":
    main()
