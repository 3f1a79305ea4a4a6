"""The small changes that mutants.py makes to a module: each replaces one node of its syntax tree by another.

Changed are comparisons, boolean operators, ``not``, signs, arithmetic, numbers by one, flags, returned values,
conditions (true, false), dropped statements, slices, default arguments, members of enumerations, levels, entries of
tables, alternatives of patterns, min/max, any/all, sorted, reversed, break/continue, and what stands in regular
expressions. Strings are changed where they are compared, searched for, looked up, returned or given on as a key or an
id; sentences for people (remedies, titles, details, nouns to count, f-strings) are not, nor annotations, decorators,
imports, docstrings, ``__slots__`` and the bodies of enumerations.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}
ASKED = {"startswith": "endswith", "endswith": "startswith", "find": "rfind", "rfind": "find"}
MEMBERS = {
    "Outcome": {"PASS": "UNKNOWN", "WARN": "PASS", "FAIL": "UNKNOWN", "UNKNOWN": "PASS", "SKIP": "PASS"},
    "Mode": {"DRY_RUN": "LIVE_PAPER", "LIVE_PAPER": "DRY_RUN"},
    "Action": {"NONE": "LONG", "LONG": "SHORT", "SHORT": "LONG"},
    "Exit": {"PASS": "FAIL", "FAIL": "PASS", "UNKNOWN": "PASS"},
    "Fate": {"PROCESSED": "LATE", "ACTION": "PROCESSED", "LATE": "PROCESSED", "MISSING": "LATE", "UNCOVERED": "LATE"},
    "Timeframe": {"MONTH": "D1", "W1": "D1", "D14": "D1"},
}
LEVELS = {"DEBUG": "INFO", "INFO": "DEBUG", "WARNING": "INFO", "ERROR": "INFO", "CRITICAL": "ERROR"}
SEARCHES = {"startswith", "endswith", "split", "partition", "find", "rfind", "removesuffix", "getattr", "get"}
SPOKEN = {"count", "Check", "Literal", "TypeVar"}
EXPRESSION = re.compile(r"\(\?|\\[dSswn]|\[.+\]")
TOKEN = re.compile(r"\\[dSsw]|\[[^\]]+\]|(?<=[^\\|(])[+*?](?![:P!=<])|\|[^|()\[\]]+")
SKIPPED = {"annotation", "returns", "decorator_list", "bases", "type_params", "format_spec", "op", "ops", "ctx"}
MOST_OF_ONE = 4


class Mutant(NamedTuple):
    """One change; ``lines`` are those of its statement, or those that use what it makes ``inside`` no function that
    runs anew each time."""

    path: Path
    tree: ast.Module
    owner: str
    line: int
    lines: frozenset[int]
    inside: bool
    source: str
    what: str
    change: Callable[[], None]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Name it by what it is, so that it is found again when lines have moved."""
        return self.path.name, self.owner, self.source, self.what

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}:{self.line} {self.owner}: {self.what}   in   {self.source}"


class Spot(NamedTuple):
    """Where in a module the walk is."""

    owner: str = ""
    function: ast.AST | None = None
    lines: range = range(0)
    statement: ast.AST | None = None
    parents: tuple[ast.AST, ...] = ()
    field: str = ""


def mutants(path: Path) -> list[Mutant]:
    """Name every mutant of a file; only one of them may be made real in one process."""
    tree = ast.parse(path.read_text("utf-8"))
    return [
        Mutant(
            path,
            tree,
            at.owner,
            getattr(node, "lineno", 0),
            frozenset(at.lines) or used(tree, at.statement),
            bool(at.lines) and not remembers(at.function),
            headline(at.statement),
            what,
            change,
        )
        for node, at, what, change in walk(tree, Spot())
    ]


def remembers(function: ast.AST | None) -> bool:
    """Whether a function keeps what it returned, so that only the first test that needed it was seen to reach it."""
    return any("cache" in ast.unparse(each) for each in getattr(function, "decorator_list", ()))


def used(tree: ast.Module, statement: ast.AST | None) -> frozenset[int]:
    """Name the lines that use what a module's statement assigns."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(n.lineno for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names)


def headline(statement: ast.AST | None) -> str:
    return "" if statement is None else " ".join(ast.unparse(statement).split("\n")[0].split())[:150]


def walk(node: ast.AST, at: Spot) -> Iterator[tuple[ast.AST, Spot, str, Callable[[], None]]]:
    for field, value in ast.iter_fields(node):
        if field in SKIPPED or (isinstance(node, ast.JoinedStr) and field == "values" and not value):
            continue
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(part, ast.AST) or skipped(part, node):
                continue
            inside = entered(part, at._replace(parents=(*at.parents, node), field=field))
            place = (node, field, index if isinstance(value, list) else None)
            for what, new in variants(part, inside):
                yield part, inside, what, lambda place=place, new=new: put(*place, new)
            yield from walk(part, inside)


def put(node: ast.AST, field: str, index: int | None, new: ast.AST) -> None:
    if index is None:
        setattr(node, field, new)
    else:
        getattr(node, field)[index] = new


def skipped(node: ast.AST, parent: ast.AST) -> bool:
    if isinstance(parent, ast.JoinedStr):
        return isinstance(node, ast.Constant)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.ClassDef):
        return any("Enum" in ast.unparse(base) for base in node.bases)
    unfelt = isinstance(node, ast.If | ast.Assign) and headline(node).startswith(("if TYPE_CHECKING", "__slots__"))
    return isinstance(node, ast.Import | ast.ImportFrom) or unfelt


def entered(node: ast.AST, at: Spot) -> Spot:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        at = at._replace(owner=f"{at.owner}.{node.name}".lstrip("."), statement=node)
        lines = range(node.lineno, (node.end_lineno or 0) + 1)
        return at._replace(function=node, lines=lines) if isinstance(node, ast.FunctionDef) else at
    if isinstance(node, ast.match_case):
        first, last = node.pattern.lineno, node.body[0].lineno
        return at._replace(lines=range(first, max(last, first + 1)), statement=node.pattern)
    if not isinstance(node, ast.stmt):
        return at
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    end = node.end_lineno or 0
    if body:
        end = (body[0].pattern if isinstance(body[0], ast.match_case) else body[0]).lineno - 1
    lines = range(node.lineno, max(end, node.lineno) + 1) if at.function is not None else range(0)
    return at._replace(lines=lines, statement=node)


def variants(node: Any, at: Spot) -> Iterator[tuple[str, ast.AST]]:  # noqa: C901, PLR0912, PLR0915 - one table
    parent = at.parents[-1]
    if at.field in {"test", "guard", "ifs"}:
        yield "False", ast.Constant(value=False)
        if not isinstance(parent, ast.While):
            yield "True", ast.Constant(value=True)
    match node:
        case ast.Compare(ops=[op]):
            for other in COMPARED[type(op)]:
                yield f"{type(op).__name__} → {other.__name__}", ast.Compare(node.left, [other()], node.comparators)
        case ast.Compare(ops=[first, second]):
            yield "first edge", ast.Compare(node.left, [COMPARED[type(first)][0](), second], node.comparators)
            yield "second edge", ast.Compare(node.left, [first, COMPARED[type(second)][0]()], node.comparators)
        case ast.BoolOp(op=op):
            yield "and ↔ or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "sign or not dropped", node.operand
        case ast.BinOp(op=ast.BitOr()):
            yield f"only {headline(node.left)}", node.left
            yield f"only {headline(node.right)}", node.right
        case ast.BinOp(op=op) if type(op) in COMPUTED and not any(map(is_text, ast.walk(node))):
            other = COMPUTED[type(op)]
            yield f"{type(op).__name__} → {other.__name__}", ast.BinOp(node.left, other(), node.right)
        case ast.Constant(value=bool() as flag):
            yield f"{not flag}", ast.Constant(not flag)
        case ast.Constant(value=int() | float() as number):
            yield from ((f"{number} → {number + by}", ast.Constant(number + by)) for by in (1, -1))
        case ast.Constant(value=str() | bytes()):
            yield from texts(node, at)
        case ast.Slice():
            if node.lower is not None:
                yield "slice from the beginning", ast.Slice(None, node.upper, node.step)
            if node.upper is not None:
                yield "slice to the end", ast.Slice(node.lower, None, node.step)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in MEMBERS.get(name, ()):
            yield f"→ {MEMBERS[name][attribute]}", ast.Attribute(node.value, MEMBERS[name][attribute], node.ctx)
        case ast.Name(id=name, ctx=ast.Load()) if name in LEVELS and isinstance(parent, ast.Assign | ast.Compare):
            yield f"→ {LEVELS[name]}", ast.Name(LEVELS[name], node.ctx)
        case ast.Call():
            yield from calls(node)
        case ast.Tuple(ctx=ast.Load()) | ast.Set() if len(node.elts) > 1 and is_table(node, at):
            for gone in node.elts:
                yield f"without {headline(gone)}", replaced(node, elts=[e for e in node.elts if e is not gone])
        case ast.Dict() if at.function is None:
            for gone, _ in enumerate(node.keys):
                kept = [place for place in range(len(node.keys)) if place != gone]
                yield (
                    f"without {headline(node.keys[gone])}",
                    ast.Dict([node.keys[place] for place in kept], [node.values[place] for place in kept]),
                )
        case ast.MatchOr():
            for gone in node.patterns:
                yield f"without {headline(gone)}", ast.MatchOr([p for p in node.patterns if p is not gone])
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return None", ast.Return(ast.Constant(None))
        case ast.Break():
            yield "continue", ast.Continue()
        case ast.Continue():
            yield "break", ast.Break()
        case ast.stmt() if at.function is not None and droppable(node, at):
            yield "dropped", ast.Pass()


def replaced(node: Any, **fields: Any) -> ast.AST:
    return type(node)(**{**{name: getattr(node, name) for name in node._fields}, **fields})


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def is_table(node: ast.Tuple | ast.Set, at: Spot) -> bool:
    plain = all(isinstance(e, ast.Name | ast.Attribute | ast.Constant | ast.Tuple) for e in node.elts)
    used = isinstance(at.parents[-1], ast.Assign | ast.AnnAssign | ast.Tuple) and at.function is None
    return plain and (used or isinstance(at.parents[-1], ast.Compare) or isinstance(node, ast.Set))


def droppable(node: ast.stmt, at: Spot) -> bool:
    """Whether a statement's loss compiles and is not felt at once as a name without a value."""
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Delete):
        return True
    targets = node.targets if isinstance(node, ast.Assign) else []
    if not all(isinstance(target, ast.Name) for target in targets):
        return bool(targets)
    names = [n.id for n in ast.walk(at.function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]  # type: ignore[arg-type]
    names += [n.arg for n in ast.walk(at.function) if isinstance(n, ast.arg)]  # type: ignore[arg-type]
    return bool(targets) and all(names.count(target.id) > 1 for target in targets)  # type: ignore[attr-defined]


def calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    match node.func:
        case ast.Name(id=name) if name in CALLED and not (CALLED[name] == "list" and node.keywords):
            yield f"{name} → {CALLED[name]}", replaced(node, func=ast.Name(CALLED[name], ast.Load()))
        case ast.Attribute(attr=name) if name in ASKED:
            yield f"{name} → {ASKED[name]}", replaced(node, func=replaced(node.func, attr=ASKED[name]))
    for gone in node.keywords:
        if gone.arg in {"key", "reverse"}:
            yield f"without {gone.arg}", replaced(node, keywords=[k for k in node.keywords if k is not gone])


def texts(node: ast.Constant, at: Spot) -> Iterator[tuple[str, ast.AST]]:
    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")  # type: ignore[union-attr]
    parent, called = at.parents[-1], ""
    if isinstance(parent, ast.Call):
        called = parent.func.attr if isinstance(parent.func, ast.Attribute) else getattr(parent.func, "id", "")
    if EXPRESSION.search(text) and not text.startswith("(they"):
        found = list(TOKEN.finditer(text))
        chosen = found[:: max(1, -(-len(found) // MOST_OF_ONE))]
        changes = [(f"without {m[0]!r} at {m.start()}", text[: m.start()] + text[m.end() :]) for m in chosen]
    elif called in SPOKEN and not (called == "Check" and node is parent.args[0]):  # type: ignore[attr-defined]
        return
    elif " " in text and not (isinstance(parent, ast.Compare | ast.MatchValue) or called in SEARCHES):
        changes = [(f"XX{text}", f"XX{text}")] if "phrase" in headline(at.statement)[:7] else []
    else:
        changes = [(f"{text!r} → 'XX{text}'", f"XX{text}")]
    for what, new in changes:
        yield what, ast.Constant(new if isinstance(node.value, str) else new.encode("latin-1"))
