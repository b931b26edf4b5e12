"""keyword_scoring: what an article says, in exact decimals, by whole words only."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.phase2_pyflink.lab03_keyword_scoring import solution
from labs.phase2_pyflink.lab03_keyword_scoring.solution import (
    KEYWORD_WEIGHTS,
    SOURCE_WEIGHTS,
    keyword_scores,
    source_weight,
)


def scored(text: str, **weights: str) -> dict[str, str]:
    """The scores as text, for Decimal("2.0") == Decimal("2") and 2.0 == Decimal("2.0")."""
    table = {word: Decimal(weight) for word, weight in weights.items()} or KEYWORD_WEIGHTS
    return {word: str(score) for word, score in keyword_scores(text, table).items()}


def test_the_weights_are_those_of_the_design() -> None:
    assert {word: str(weight) for word, weight in KEYWORD_WEIGHTS.items()} == {
        "fed": "2.0",
        "rate": "1.5",
        "hike": "2.0",
        "dovish": "-1.5",
    }
    assert {name: str(weight) for name, weight in SOURCE_WEIGHTS.items()} == {
        "reuters": "1.0",
        "bloomberg": "0.9",
    }


def test_every_keyword_counts_each_time_it_occurs() -> None:
    assert scored("Fed: rate hike? The rate, the RATE!") == {"fed": "2.0", "rate": "4.5", "hike": "2.0"}


@pytest.mark.parametrize(
    "text",
    [
        "corporate",
        "rates",
        "hiked hikers",
        "federal confederate",
        "fedrate",
        "rate_hike",
        "rate2",
        "dovishly",
        "",
    ],
)
def test_a_part_of_a_word_is_not_the_word(text: str) -> None:
    assert scored(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "fed",
        "FED",
        "Fed's",
        "(fed)",
        "fed-backed",
        "anti-fed",
        "fed/ecb",
        "‘fed’",
        "“Fed”",
        "\tfed\n",
        "fed…",
    ],
)
def test_a_word_ends_where_letters_digits_and_underscores_end(text: str) -> None:
    assert scored(text) == {"fed": "2.0"}


def test_a_negative_weight_takes_away() -> None:
    scores = keyword_scores("Dovish, dovish Fed: one hike")

    assert {word: str(score) for word, score in scores.items()} == {
        "dovish": "-3.0",
        "fed": "2.0",
        "hike": "2.0",
    }
    assert str(sum(scores.values())) == "1.0"


def test_decimals_stay_exact() -> None:
    """Three times 0.1 as floats is 0.30000000000000004."""
    assert scored("tax tax tax", tax="0.1") == {"tax": "0.3"}


def test_another_table_of_weights_is_the_whole_table() -> None:
    assert scored("fed ecb ecb", ecb="0.25") == {"ecb": "0.50"}


def test_letters_of_every_language_belong_to_words() -> None:
    assert scored("über fedé Ωfed fed", über="1") == {"über": "1"}
    assert scored("fedé Ωfed") == {}


@pytest.mark.parametrize(
    ("source", "weight"),
    [
        ("Reuters", "1.0"),
        (" REUTERS\n", "1.0"),
        ("bloomberg", "0.9"),
        ("CNBC", "0.7"),
        ("Reuters Staff", "0.7"),
        ("", "0.7"),
    ],
)
def test_a_source_weighs_what_its_name_weighs(source: str, weight: str) -> None:
    assert str(source_weight(source)) == weight


words = st.sampled_from(["fed", "Rate", "HIKE", "dovish", "corporate", "fed_", "x"])


@given(st.lists(words), st.sampled_from([" ", ", ", "\n", "-", " – "]))
def test_the_score_is_the_sum_over_words_whatever_stands_between_them(text: list[str], between: str) -> None:
    lone = [KEYWORD_WEIGHTS.get(word.lower(), Decimal(0)) for word in text]

    assert sum(keyword_scores(between.join(text)).values()) == sum(lone)


@given(st.text())
def test_no_text_scores_a_word_it_does_not_have(text: str) -> None:
    assert all(word in text.lower() for word in keyword_scores(text))


def test_the_examples_in_the_docstrings_hold() -> None:
    results = doctest.testmod(solution)

    assert (results.failed, results.attempted > 0) == (0, True)
