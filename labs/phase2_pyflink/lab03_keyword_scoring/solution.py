"""How much an article says about the market: the weights of the keywords it uses, times how often.

Formula (project design, 12.3 and 12.4): article_score = sum of weight x occurrences, whole words only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

KEYWORD_WEIGHTS: Mapping[str, Decimal] = {
    "fed": Decimal("2.0"),
    "rate": Decimal("1.5"),
    "hike": Decimal("2.0"),
    "dovish": Decimal("-1.5"),
}
SOURCE_WEIGHTS: Mapping[str, Decimal] = {"reuters": Decimal("1.0"), "bloomberg": Decimal("0.9")}
OTHER_SOURCES = Decimal("0.7")

_WORD = re.compile(r"\w+")


def keyword_scores(text: str, weights: Mapping[str, Decimal] = KEYWORD_WEIGHTS) -> dict[str, Decimal]:
    """What each keyword that occurs adds: its weight times its occurrences as a whole word.

    >>> {word: str(score) for word, score in keyword_scores("Fed: rate hike? The rate!").items()}
    {'fed': '2.0', 'rate': '3.0', 'hike': '2.0'}
    >>> keyword_scores("corporate hikers")
    {}
    """
    scores: dict[str, Decimal] = {}
    for word in _WORD.findall(text.lower()):
        if word in weights:
            scores[word] = scores.get(word, Decimal(0)) + weights[word]
    return scores


def source_weight(source: str) -> Decimal:
    """How far a source is trusted, 0 to 1: Reuters 1.0, Bloomberg 0.9, any other 0.7."""
    return SOURCE_WEIGHTS.get(source.strip().lower(), OTHER_SOURCES)
