import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest
from planted import BY_SHAPE, BY_VALUE, ENCODINGS, PLACES, VISIBLE, readings

from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.scan import blotted, survivors
from genesis_ops.redact.scrub import Scrubber
from genesis_ops.redact.secrets import secrets_in

SEED = 20260204
SHORTEST_PIECE = 6


class Plant(NamedTuple):
    kind: str
    encoding: str
    value: str
    line: str


def by_value() -> Iterator[Plant]:
    rng = random.Random(SEED)
    for kind, make in BY_VALUE.items():
        value = make(rng)
        for encoding, encode in ENCODINGS.items():
            for place in PLACES:
                yield Plant(kind, encoding, value, place.format(encode(rng, value)))


def by_shape() -> Iterator[Plant]:
    rng = random.Random(SEED)
    for kind, make in BY_SHAPE.items():
        for encoding, encode in VISIBLE.items():
            for place in PLACES:
                value = make(rng)
                yield Plant(kind, encoding, value, place.format(encode(rng, value)))


@cache
def known() -> tuple[tuple[Plant, ...], tuple[Secret, ...]]:
    plants = tuple(by_value())
    values = dict.fromkeys((plant.kind, plant.value) for plant in plants)
    environments = [{f"{kind}_KEY" if kind.isalpha() else kind: value} for kind, value in values]
    return plants, secrets_in([], environments)


def leaked(plant: Plant, written: str) -> str:
    """Give what of a secret can be read or decoded from a line: the whole, or a piece of it that is no accident."""
    tail = plant.value.rsplit("/", 1)[-1] if plant.kind == "SLACK_HOOK" else plant.value
    pieces = {tail[at : at + 8] for at in range(max(1, len(tail) - 7))}
    return next((piece for text in readings(written) for piece in pieces if piece in text), "")


def test_none_of_5200_known_values_is_left_in_any_encoding_at_any_place() -> None:
    plants, secrets = known()
    scrubber = Scrubber(secrets)
    written = scrubber.scrub("\n".join(plant.line for plant in plants).encode()).decode("utf-8", "surrogateescape")
    lines = written.split("\n")
    left = [(p.kind, p.encoding, p.line, line) for p, line in zip(plants, lines, strict=True) if leaked(p, line)]
    assert (len(plants), left) == (26 * 8 * 25, [])
    assert survivors(written.encode("utf-8", "surrogateescape"), secrets) == ()


def test_the_second_look_finds_each_of_5200_known_values_that_nobody_scrubbed() -> None:
    plants, secrets = known()
    found = {survivor.line for survivor in survivors("\n".join(plant.line for plant in plants).encode(), secrets)}
    missed = [plant for number, plant in enumerate(plants, 1) if number not in found]
    assert missed == []


def test_the_second_look_finds_what_was_encoded_twice_and_a_line_that_it_finds_can_be_blotted() -> None:
    rng = random.Random(SEED)
    values = [plant.value for plant in known()[0][:: len(ENCODINGS) * len(PLACES)]]
    coded = [outer(rng, inner(rng, rng.choice(values))) for inner in ENCODINGS.values() for outer in ENCODINGS.values()]
    raw = "\r\n".join(f"x '{text}' y" for text in coded).encode()
    found = survivors(raw, known()[1])
    assert {survivor.line for survivor in found} == set(range(1, len(coded) + 1))
    assert blotted(raw, found).split(b"\r\n") == [b"[redacted]"] * len(coded)


def test_none_of_2500_keys_known_by_shape_alone_is_left_where_the_shape_can_be_seen() -> None:
    plants = tuple(by_shape())
    lines = Scrubber([]).scrub("\n".join(plant.line for plant in plants).encode()).decode().split("\n")
    left = [(p.kind, p.encoding, p.line, line) for p, line in zip(plants, lines, strict=True) if leaked(p, line)]
    assert (len(plants), left) == (20 * 5 * 25, [])


def test_the_second_look_finds_each_key_known_by_shape_alone() -> None:
    plants = tuple(by_shape())
    found = {survivor.line for survivor in survivors("\n".join(plant.line for plant in plants).encode(), [])}
    assert [plant for number, plant in enumerate(plants, 1) if number not in found] == []


def test_the_eye_of_these_tests_sees_every_secret_that_is_there() -> None:
    assert [plant for plant in (*known()[0], *by_shape()) if not leaked(plant, plant.line)] == []


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name != "base64"])
def test_what_stands_around_a_secret_stays(encoding: str) -> None:
    rng = random.Random(SEED)
    value = BY_VALUE["BITFINEX_API_SECRET"](rng)
    scrubber = Scrubber([Secret(value)])
    lines = [place.format(ENCODINGS[encoding](rng, value)) for place in PLACES]
    assert scrubber.scrub("\n".join(lines).encode()).decode().split("\n") == [
        place.format("[redacted]") for place in PLACES
    ]
