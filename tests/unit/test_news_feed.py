"""news_feed: whatever a feed sends, each of its entries becomes one item or one rejection."""

from __future__ import annotations

import codecs
import json
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.phase1_quality.lab07_news_feed.solution import Feed, NewsItem, Rejected, moment, parse

TEN = "2026-01-05T10:00:00Z"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def json_feed(*entries: Any, **top: Any) -> bytes:
    document = {"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": list(entries)}
    return json.dumps({**document, **top}).encode()


def entry(identity: Any = "1", date: Any = TEN, **other: Any) -> dict[str, Any]:
    return {"id": identity, "date_published": date, "title": "Fed", **other}


def rss(*entries: str, head: str = "") -> bytes:
    return f'<rss version="2.0"><channel><title>Wire</title>{head}{"".join(entries)}</channel></rss>'.encode()


def rss_item(identity: str = "1", date: str = TEN, **other: str) -> str:
    fields = {"guid": identity, "pubDate": date, "title": "Fed", **other}
    return f"<item>{''.join(f'<{k}>{v}</{k}>' for k, v in fields.items())}</item>"


def only(feed: Feed) -> NewsItem:
    assert feed.rejected == []
    [item] = feed.items
    return item


def reason(feed: Feed) -> str:
    assert feed.items == []
    [rejected] = feed.rejected
    return rejected.reason


# ---- the three kinds of feed -------------------------------------------------------------------


def test_a_json_feed_as_rss_app_sends_it() -> None:
    body = json_feed(
        {
            "id": "a1f0",
            "url": "https://news.example/a1f0",
            "title": "Fed weighs a hike",
            "content_html": "<div><img src='x'/><p>Two members &amp; the chair\n argued.</p></div>",
            "image": "https://news.example/a1f0.png",
            "date_published": "2026-01-05T05:00:00-05:00",
            "authors": [{"name": "Reuters"}],
        },
        home_page_url="https://news.example",
        feed_url="https://rss.example/feeds/v1.1/x.json",
    )

    assert parse(body, "application/feed+json; charset=utf-8") == Feed(
        [
            NewsItem(
                "a1f0",
                "Fed weighs a hike",
                "https://news.example/a1f0",
                "Two members & the chair argued.",
                "Reuters",
                utc("2026-01-05T10:00:00"),
            )
        ]
    )


def test_rss_2_0() -> None:
    body = rss(
        "<item><title>Fed &amp; rates</title><link>https://news.example/1</link>"
        '<guid isPermaLink="false">urn:1</guid><pubDate>Mon, 05 Jan 2026 05:00:00 EST</pubDate>'
        "<description><![CDATA[<p>A <b>hike</b>.</p><script>rate()</script>]]></description>"
        '<source url="https://reuters.example/feed">Reuters</source></item>'
    )

    assert parse(body, "application/rss+xml") == Feed(
        [
            NewsItem(
                "urn:1",
                "Fed & rates",
                "https://news.example/1",
                "A hike .",
                "Reuters",
                utc("2026-01-05T10:00:00"),
            )
        ]
    )


def test_atom_without_published_has_updated() -> None:
    body = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>
    <entry><id>tag:1</id><title>Dovish</title><link href="https://news.example/1"/>
      <updated>2026-01-05T11:00:00+01:00</updated><author><name>Bloomberg</name></author>
      <summary>No hike.</summary></entry>
    <entry><id>tag:2</id><title>Hike</title><link href="https://news.example/2"/>
      <published>2026-01-05T09:30:00Z</published><updated>2026-01-05T12:00:00Z</updated></entry>
    </feed>"""

    assert parse(body, "application/atom+xml") == Feed(
        [
            NewsItem("tag:2", "Hike", "https://news.example/2", "", "Wire", utc("2026-01-05T09:30:00")),
            NewsItem(
                "tag:1",
                "Dovish",
                "https://news.example/1",
                "No hike.",
                "Bloomberg",
                utc("2026-01-05T10:00:00"),
            ),
        ]
    )


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (json_feed(entry()), "text/plain"),
        (json_feed(entry()), ""),
        (codecs.BOM_UTF8 + json_feed(entry()), ""),
        (b"\n " + json_feed(entry()), "text/xml"),
        (json_feed(entry()).decode().encode("utf-16"), "application/json"),
        (rss(rss_item()), "application/json"),
        (rss(rss_item()), "text/html"),
        (codecs.BOM_UTF8 + rss(rss_item()), ""),
    ],
)
def test_the_body_says_what_it_is_whatever_its_label_says(body: bytes, label: str) -> None:
    item = only(parse(body, label))

    assert (item.item_id, item.title, item.published_at) == ("1", "Fed", utc("2026-01-05T10:00:00"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"null",
        b"[]",
        b'"items"',
        b"{}",
        b'{"items": null}',
        b'{"items": "abc"}',
        b'{"items": {"id": "1"}}',
        b'{"rss": {"channel": {"item": []}}}',
        b'{"items": [',
        b'{"items": ' + b"[" * 100_000,
        b'{"items": ["\xff"]}',
        b"<html><body><h1>502 Bad Gateway</h1></body></html>",
        b"Too Many Requests",
        b"\x1f\x8b\x08\x00",
        b"https://news.example/feed.xml",
    ],
)
@pytest.mark.parametrize("label", ["application/json", "text/html", ""])
def test_a_body_that_is_no_feed_is_an_error_and_not_an_empty_feed(body: bytes, label: str) -> None:
    with pytest.raises(ValueError, match=r"^(not a|neither)"):
        parse(body, label)


def test_a_body_that_names_a_file_does_not_open_it(tmp_path: Path) -> None:
    secret = tmp_path / "feed.xml"
    secret.write_bytes(rss(rss_item()))

    with pytest.raises(ValueError, match="neither JSON Feed nor RSS nor Atom"):
        parse(str(secret).encode())


def test_a_feed_without_entries_is_a_feed() -> None:
    assert parse(json_feed()) == Feed()
    assert parse(rss()) == Feed()


# ---- identity ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_id", "url", "identity"),
    [
        ("a", "https://n.example/1", "a"),
        (" a\n", "https://n.example/1", "a"),
        (17, "https://n.example/1", "17"),
        (0, "https://n.example/1", "0"),
        (1.5, "https://n.example/1", "1.5"),
        ("", "https://n.example/1", "https://n.example/1"),
        (None, "https://n.example/1", "https://n.example/1"),
        # one value for many items is no identity
        ([], "https://n.example/1", "https://n.example/1"),
        (["a"], "https://n.example/1", "https://n.example/1"),
        ({}, "https://n.example/1", "https://n.example/1"),
        (False, "https://n.example/1", "https://n.example/1"),
    ],
)
def test_id_comes_before_link(given_id: Any, url: str, identity: str) -> None:
    assert only(parse(json_feed(entry(given_id, url=url)))).item_id == identity


def test_without_id_and_link_source_title_and_time_identify() -> None:
    def identity(title: str, date: str, source: str) -> str:
        body = json_feed(entry(None, date, title=title, authors=[{"name": source}]))
        return only(parse(body)).item_id

    same = identity("Fed", TEN, "Reuters")

    assert identity("Fed", "Mon, 05 Jan 2026 11:00:00 +0100", "Reuters") == same
    others = {
        identity("Hike", TEN, "Reuters"),
        identity("Fed", "2026-01-05T10:00:01Z", "Reuters"),
        identity("Fed", TEN, "Bloomberg"),
    }
    assert len(others) == 3
    assert same not in others


def test_an_edited_title_is_the_same_item() -> None:
    before, after = entry("1"), entry("1", title="Fed (updated)")

    assert only(parse(json_feed(before))).item_id == only(parse(json_feed(after))).item_id


def test_an_rss_item_with_a_link_alone_has_its_link_as_identity() -> None:
    link = "<item><title>Fed</title><link>https://n.example/1</link><pubDate>" + TEN + "</pubDate></item>"

    assert only(parse(rss(link))).item_id == "https://n.example/1"


# ---- time --------------------------------------------------------------------------------------

SAME_MOMENT = [
    "2026-01-05T10:00:00Z",
    "2026-01-05t10:00:00z",
    "2026-01-05T10:00Z",
    "2026-01-05T10:00:00.000Z",
    "2026-01-05T10:00:00.0000000Z",
    "2026-01-05T11:00:00+01:00",
    "2026-01-05T11:00:00+0100",
    "2026-01-05T15:30:00+05:30",
    "2026-01-05T05:00:00-05:00",
    "2026-01-05T10:00:00+00",
    "2026-01-05 05:00:00-05",
    "2026-01-05T10:00:00Z[UTC]",
    "2026-01-05T11:00:00.000+01:00[Europe/Paris]",
    "2026-01-05 10:00:00 +0000",
    "2026-01-05 10:00:00 UTC",
    "2026-01-05 11:00:00.000000000 +0100 CET",
    "Mon, 05 Jan 2026 10:00:00 GMT",
    "Mon, 05 Jan 2026 10:00:00 UT",
    "Mon, 05 Jan 2026 10:00:00 Z",
    "Mon, 05 Jan 2026 10:00:00 +0000",
    "Mon, 05 Jan 2026 10:00:00 -0000",
    "Mon, 05 Jan 2026 10:00:00 -0000 (UTC)",
    "Mon, 05 Jan 2026 10:00:00 +0000 (UTC)",
    "Mon, 05 Jan 2026 10:00:00.250 GMT",
    "Mon, 05 Jan 2026 10:00:00 GMT+0000",
    "Mon, 05 Jan 2026 11:00:00 +01",
    "Mon, 05 Jan 2026 05:00:00 -5",
    "Mon, 05 Jan 2026 15:30:00 +530",
    "Mon, 05 Jan 2026 11:00:00 GMT+1",
    "Mon, 05 Jan 2026 05:00:00 EST",
    "Mon, 05 Jan 2026 06:00:00 EDT",
    "Mon, 05 Jan 2026 02:00:00 PST",
    "Mon, 05 Jan 2026 15:30:00 +0530",
    "Mon, 05 Jan 2026 11:00:00 +01:00",
    "Mon, 05 Jan 2026 10:00 GMT",
    "5 Jan 26 10:00:00 GMT",
    "Mon, Jan 05 2026 10:00:00 +0000",
    "Mon Jan 05 2026 11:00:00 GMT+0100 (Central European Standard Time)",
]

NO_MOMENT: list[tuple[Any, str]] = [
    (None, "there is no date"),
    ("", "there is no date"),
    ("  ", "there is no date"),
    ([], "there is no date"),
    (True, "there is no date"),
    ("2026-01-05T10:00:00", "no zone that is known in '2026-01-05T10:00:00'"),
    ("2026-01-05 10:00:00 CEST", "no zone that is known in '2026-01-05 10:00:00 CEST'"),
    ("Mon, 05 Jan 2026 10:00:00", "no zone that is known in 'Mon, 05 Jan 2026 10:00:00'"),
    ("Mon, 05 Jan 2026 10:00:00 (UTC)", "no zone that is known in 'Mon, 05 Jan 2026 10:00:00 (UTC)'"),
    ("2026-01-05T10:00:00[UTC]", "no zone that is known in '2026-01-05T10:00:00[UTC]'"),
    ("Mon, 05 Jan 2026 10:00:00 CEST", "no zone that is known in 'Mon, 05 Jan 2026 10:00:00 CEST'"),
    ("Mon, 05 Jan 2026 10:00:00 IST", "no zone that is known in 'Mon, 05 Jan 2026 10:00:00 IST'"),
    ("Mon, 05 Jan 2026 02:00:00 PM GMT", "a clock of twelve hours: 'Mon, 05 Jan 2026 02:00:00 PM GMT'"),
    ("Mon, 05 Jan 2026 2:00 p.m. -0000", "a clock of twelve hours: 'Mon, 05 Jan 2026 2:00 p.m. -0000'"),
    ("Fri, Jun 26 2026 10:04:03 AM", "a clock of twelve hours: 'Fri, Jun 26 2026 10:04:03 AM'"),
    (1767607200, "neither RFC 3339 nor RFC 822: '1767607200'"),
    ("2026-01-05", "neither RFC 3339 nor RFC 822: '2026-01-05'"),
    ("2026-13-05T10:00:00Z", "neither RFC 3339 nor RFC 822: '2026-13-05T10:00:00Z'"),
    ("2026-01-05T25:00:00Z", "neither RFC 3339 nor RFC 822: '2026-01-05T25:00:00Z'"),
    ("2026-01-05T10:00:00+99:00", "neither RFC 3339 nor RFC 822: '2026-01-05T10:00:00+99:00'"),
    ("05/01/2026 10:00 GMT", "neither RFC 3339 nor RFC 822: '05/01/2026 10:00 GMT'"),
    ("yesterday", "neither RFC 3339 nor RFC 822: 'yesterday'"),
    ("lun, 05 gen 2026 10:00:00 GMT", "neither RFC 3339 nor RFC 822: 'lun, 05 gen 2026 10:00:00 GMT'"),
    ("Mon, 35 Jan 2026 10:00:00 GMT", "neither RFC 3339 nor RFC 822: 'Mon, 35 Jan 2026 10:00:00 GMT'"),
    ("0001-01-01T00:00:00+14:00", "beyond the years 1 to 9999: '0001-01-01T00:00:00+14:00'"),
    ("9999-12-31T23:59:59-10:00", "beyond the years 1 to 9999: '9999-12-31T23:59:59-10:00'"),
    (
        "5 Jan 2026 10:00 +99999999999999999",
        "beyond the years 1 to 9999: '5 Jan 2026 10:00 +99999999999999999'",
    ),
    ("0001-01-01T00:00:00Z", "not later than 1970: '0001-01-01T00:00:00Z'"),
    ("Thu, 01 Jan 1970 00:00:00 GMT", "not later than 1970: 'Thu, 01 Jan 1970 00:00:00 GMT'"),
    ("1" * 101, "a date of 101 characters"),
]


@pytest.mark.parametrize("date", SAME_MOMENT)
def test_a_date_with_its_zone_is_the_same_moment_in_json_and_in_rss(date: str) -> None:
    moments = [
        only(parse(body)).published_at for body in (json_feed(entry(date=date)), rss(rss_item(date=date)))
    ]

    assert moments == [utc("2026-01-05T10:00:00")] * 2


@pytest.mark.parametrize(("date", "why"), NO_MOMENT)
def test_an_item_that_cannot_be_placed_in_time_is_rejected_with_its_reason(date: Any, why: str) -> None:
    body = json_feed(entry("7", date))

    assert parse(body) == Feed(rejected=[Rejected(json.dumps(entry("7", date)), why)])


@pytest.mark.parametrize(("date", "why"), [(d, w) for d, w in NO_MOMENT if isinstance(d, str)])
def test_the_same_dates_are_rejected_in_rss_for_the_same_reasons(date: str, why: str) -> None:
    assert reason(parse(rss(rss_item(date=date)))) == why


def test_an_entry_without_a_date_is_rejected_as_it_stood_in_the_feed() -> None:
    without = {"id": "1", "title": "Fed – naïve", "n": 1.0}

    [rejected] = parse(json_feed(without)).rejected

    assert (json.loads(rejected.original), rejected.reason) == (without, "there is no date")


def test_a_time_that_is_wrong_is_not_replaced_by_the_time_of_an_edit() -> None:
    both = (
        "<item><title>Fed</title><pubDate>Mon, 05 Jan 2026 10:00:00</pubDate><updated>"
        + TEN
        + "</updated></item>"
    )

    assert reason(parse(rss(both))) == "no zone that is known in 'Mon, 05 Jan 2026 10:00:00'"


def test_fractions_of_a_second_are_kept_to_the_microsecond() -> None:
    fractions = ("5", "50", "1234567", "000001")

    assert [moment(f"2026-01-05T10:00:00.{digits}Z").microsecond for digits in fractions] == [
        500_000,
        500_000,
        123_456,
        1,
    ]


def test_python_s_own_dates_are_read_back() -> None:
    seconds = utc("2026-01-05T10:00:00").timestamp()

    assert [moment(formatdate(seconds)), moment(formatdate(seconds, usegmt=True))] == [
        utc("2026-01-05T10:00:00")
    ] * 2


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1970, 1, 3), datetime(9999, 12, 29), timezones=zones)


@given(moments)
def test_any_moment_written_in_any_form_is_read_as_that_moment(when: datetime) -> None:
    whole = when.replace(microsecond=0)

    assert moment(when.isoformat()) == when
    assert moment(when.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")) == when
    assert moment(format_datetime(whole)) == whole


@given(st.text(st.sampled_from("0123456789TZ:+-., GMTapmJanMon()٣²"), max_size=40))
def test_any_other_text_is_a_moment_in_utc_or_an_error_with_a_reason(text: str) -> None:
    why = ""
    try:
        zone = moment(text).tzinfo
    except ValueError as error:
        zone, why = None, str(error)

    assert zone is timezone.utc or why


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        ({"date_modified": TEN}, TEN),
        ({"date_published": None, "date_modified": TEN}, TEN),
        ({"date_published": TEN, "date_modified": "2026-01-05T12:00:00Z"}, TEN),
    ],
)
def test_a_json_item_that_was_only_modified_has_that_time(dates: dict[str, Any], read: str) -> None:
    body = json_feed({"id": "1", "title": "Fed", **dates})

    assert only(parse(body)).published_at == moment(read)


def test_a_wrong_date_in_json_is_not_replaced_by_that_of_an_edit() -> None:
    body = json_feed(entry("1", "yesterday", date_modified=TEN))

    assert reason(parse(body)) == "neither RFC 3339 nor RFC 822: 'yesterday'"


# ---- order -------------------------------------------------------------------------------------


def test_items_come_in_order_of_event_time_whatever_the_feed_s_order() -> None:
    body = json_feed(
        entry("newest", "2026-01-05T12:00:00Z"),
        entry("b", "2026-01-05T11:00:00+01:00"),
        entry("a", "Mon, 05 Jan 2026 10:00:00 GMT"),
        entry("oldest", "2026-01-05T05:59:59-04:00"),
    )

    assert [item.item_id for item in parse(body).items] == ["oldest", "a", "b", "newest"]


# ---- fields as they are found ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"authors": [{"name": "Reuters"}]}, "Reuters"),
        ({"authors": [None, {"url": "x"}, {"name": "Reuters"}]}, "Reuters"),
        ({"authors": ["Reuters"]}, "Reuters"),
        ({"authors": "Reuters"}, "Reuters"),
        ({"authors": {"name": "Reuters"}}, "Reuters"),
        ({"authors": [{"name": 7}]}, "7"),
        ({"authors": [], "author": {"name": "Reuters"}}, "Reuters"),
        ({"author": "Reuters"}, "Reuters"),
        ({"authors": [], "author": None}, "Wire"),
        ({"authors": [{"name": ["Reuters"]}]}, "Wire"),
        ({"authors": 5}, "5"),
        ({}, "Wire"),
    ],
)
def test_the_source_is_the_first_author_with_a_name_or_the_feed(fields: dict[str, Any], source: str) -> None:
    assert only(parse(json_feed(entry(**fields)))).source == source


@pytest.mark.parametrize("title", [None, "", [], {}, False])
def test_a_feed_without_a_name_has_an_unknown_source(title: Any) -> None:
    assert only(parse(json_feed(entry(), title=title))).source == "unknown"


@pytest.mark.parametrize(
    ("fields", "title", "summary"),
    [
        ({"title": 5, "content_text": 7}, "5", "7"),
        ({"title": 0}, "0", ""),
        ({"title": None, "content_text": "text"}, "", "text"),
        ({"title": ["Fed"], "content_html": "<p>text</p>"}, "", "text"),
        ({"content_text": None, "content_html": None, "summary": "short"}, "Fed", "short"),
        ({"content_text": "", "content_html": "long", "summary": "short"}, "Fed", "long"),
        ({"content_html": 5}, "Fed", "5"),
        ({"content_html": {"a": 1}}, "Fed", ""),
        ({"content_html": "rates < 5&#37; &amp; <b>Fed</b>"}, "Fed", "rates < 5% & Fed"),
        ({"content_html": "&#" + "9" * 5000 + ";"}, "Fed", "�"),
        ({"title": "half \ud800"}, "half ?", ""),
    ],
)
def test_a_field_of_another_type_is_read_as_text_or_left_out(
    fields: dict[str, Any], title: str, summary: str
) -> None:
    item = only(parse(json_feed(entry(**fields))))

    assert (item.title, item.summary) == (title, summary)


@pytest.mark.parametrize("fields", [{"title": None}, {"title": " "}, {"title": [], "content_html": "<br>"}])
def test_an_item_that_says_nothing_is_rejected(fields: dict[str, Any]) -> None:
    assert reason(parse(json_feed(entry(**fields)))) == "neither title nor text"


@pytest.mark.parametrize("thing", [None, 1, "text", [], True])
def test_an_entry_that_is_no_object_is_rejected_alone(thing: Any) -> None:
    feed = parse(json_feed(thing, entry("good")))

    assert feed.rejected == [Rejected(json.dumps(thing), "the item is not an object")]
    assert [item.item_id for item in feed.items] == ["good"]


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("<title><![CDATA[Fed&#8217;s hike &amp; more]]></title>", "Fed’s hike & more"),
        ("<title>Fed&#8217;s hike &amp; more</title>", "Fed’s hike & more"),
        ('<title>&lt;a href="https://n.example/rate-hike"&gt;Fed&lt;/a&gt;</title>', "Fed"),
        ("<title>S&amp;P &lt;Fed&gt; falls &lt; 5%</title>", "S&P <Fed> falls < 5%"),
    ],
)
def test_a_title_of_rss_is_text_also_where_it_is_html(title: str, read: str) -> None:
    assert only(parse(rss(f"<item>{title}<pubDate>{TEN}</pubDate></item>"))).title == read


@pytest.mark.parametrize(
    ("title", "read"),
    [
        (
            '<title type="html">Fed&amp;#8217;s &lt;b&gt;hike&lt;/b&gt; &amp;amp; more</title>',
            "Fed’s hike & more",
        ),
        (
            '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Fed <i>hike</i></div></title>',
            "Fed hike",
        ),
        ("<title>AT&amp;T &lt;b&gt; &amp;amp;</title>", "AT&T <b> &amp;"),
    ],
)
def test_a_title_of_atom_is_text_of_the_kind_that_it_says(title: str, read: str) -> None:
    body = (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id>{title}<updated>{TEN}</updated>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>A <b>rate</b>.</p></div></content>'
        "</entry></feed>"
    )

    item = only(parse(body.encode(), "application/atom+xml"))

    assert (item.title, item.summary) == (read, "A rate .")


@pytest.mark.parametrize("charset", ["UTF-16", "ISO-8859-1", "windows-1252"])
def test_an_xml_feed_is_read_in_the_character_set_that_it_declares(charset: str) -> None:
    body = f'<?xml version="1.0" encoding="{charset}"?>{rss(rss_item(title="Féd")).decode()}'.encode(charset)

    assert only(parse(body)).title == "Féd"


def test_a_feed_of_utf_8_that_is_latin_1_is_read() -> None:
    body = b'<?xml version="1.0" encoding="UTF-8"?>' + rss(rss_item(title="F\xe9d")).decode().encode(
        "latin-1"
    )

    assert only(parse(body)).title == "Féd"


@pytest.mark.parametrize(
    ("fields", "text", "source"),
    [
        ("<content:encoded><![CDATA[<p>A <b>hike</b></p>]]></content:encoded>", "A hike", "Wire"),
        ("<dc:creator>Reuters</dc:creator><description>A hike</description>", "A hike", "Reuters"),
        ("<dc:creator>Jane</dc:creator><source url='x'>Reuters</source>", "", "Reuters"),
    ],
)
def test_the_modules_of_rss_are_read(fields: str, text: str, source: str) -> None:
    head = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Wire</title><item><title>Fed</title>'
    )
    body = f"{head}<dc:date>2026-01-05T11:00:00+01:00</dc:date>{fields}</item></channel></rss>".encode()

    item = only(parse(body))

    assert (item.summary, item.source, item.published_at) == (text, source, moment(TEN))


# ---- feeds that are broken ---------------------------------------------------------------------


def test_entries_in_front_of_the_break_are_recovered() -> None:
    broken = rss(rss_item("1"), rss_item("2"), "<item><title>cut & off <b").removesuffix(b"</channel></rss>")

    assert [item.item_id for item in parse(broken).items] == ["1", "2"]


def test_a_wrong_declaration_of_the_character_set_costs_nothing() -> None:
    body = b'<?xml version="1.0" encoding="us-ascii"?>' + rss(rss_item(title="Fed – naïve"))

    assert only(parse(body)).title == "Fed – naïve"


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("&#55357;&#56832; up", "�� up"),  # an emoji as two halves, as Java and JavaScript leak it
        ("&#xD83D; up", "� up"),
        ("&#1114112; up", "� up"),
        ("&#99999999999; up", "� up"),
        ("&#8211; up", "– up"),
        ("&#x1F600; up", "😀 up"),
        ("&bogus; up", "&bogus; up"),
        ("<![dsgvo_service_control]> up", "up"),
    ],
)
def test_a_reference_to_no_character_costs_that_character_and_not_the_feed(title: str, read: str) -> None:
    feed = parse(rss(rss_item("1", title=title), rss_item("2")))

    assert [(item.item_id, item.title) for item in feed.items] == [("1", read), ("2", "Fed")]


def test_what_feedparser_cannot_read_is_one_error_whatever_it_raises() -> None:
    with pytest.raises(ValueError, match=r"not a feed that can be read \(KeyError\)"):
        parse(rss(rss_item(link="x<gml:pos>a</gml:pos>", title="a & b &bogus;")))


# ---- conservation ------------------------------------------------------------------------------

odd: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
authors = odd | st.lists(odd | st.fixed_dictionaries({"name": odd}), max_size=3)
dates = odd | st.sampled_from([*SAME_MOMENT, *(date for date, _ in NO_MOMENT)])
hostile = odd | st.fixed_dictionaries(
    {},
    optional={
        "id": odd,
        "url": odd,
        "title": odd,
        "content_text": odd,
        "content_html": odd | st.text("<>&#;x0a9", max_size=30),
        "summary": odd,
        "date_published": dates,
        "authors": authors,
        "author": authors,
    },
)


def assert_each_entry_is_one_thing(feed: Feed, entries: int) -> None:
    assert len(feed.items) + len(feed.rejected) == entries
    for item in feed.items:
        fields = (item.item_id, item.title, item.link, item.summary, item.source)
        assert all(isinstance(text, str) for text in fields)
        assert "\n".join(fields).encode()
        assert item.item_id
        assert item.source
        assert item.title or item.summary
        assert item.published_at.tzinfo is timezone.utc
    for rejected in feed.rejected:
        assert rejected.original.encode()
        assert rejected.reason.encode()
    assert [i.published_at for i in feed.items] == sorted(i.published_at for i in feed.items)


@settings(max_examples=150)
@given(st.lists(hostile, max_size=4), odd)
def test_every_entry_of_a_json_feed_is_one_item_or_one_rejection(entries: list[Any], title: Any) -> None:
    assert_each_entry_is_one_thing(parse(json_feed(*entries, title=title)), len(entries))


@settings(max_examples=100)
@given(odd, st.sampled_from(["application/json", "text/xml", ""]))
def test_any_json_is_a_feed_or_a_value_error(document: Any, label: str) -> None:
    try:
        feed = parse(json.dumps(document).encode(), label)
    except ValueError:
        return
    assert_each_entry_is_one_thing(feed, len(document["items"]))


@settings(max_examples=60)
@given(st.data())
def test_any_damage_to_an_rss_feed_leaves_whole_items_or_a_value_error(data: st.DataObject) -> None:
    body = bytearray(rss(rss_item("1"), rss_item("2", description="<![CDATA[<p>Fed</p>]]>")))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body)))
        wrong = [
            b"<!",
            b"<![x[",
            b"]]>",
            b"&#xD800;",
            b"&#-1;",
            b"\x00",
            b"\xff",
            b"<?",
            b"<svg>",
            b"&b;",
            b"",
        ]
        body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.sampled_from(wrong))
    try:
        feed = parse(bytes(body))
    except ValueError:
        return
    assert_each_entry_is_one_thing(feed, len(feed.items) + len(feed.rejected))
