"""What a run left in its folder, read for the report: tolerant of whatever a wrong pipeline wrote.

dumps     files -> lines -> records          values   anything -> a number, a time, a text, or nothing
hours     signals and flags by the hour      letters  the dead, and failures
news      rss.events, and its headlines      prices   price_hourly, and the YES price
health    what the APIs answered             kept     what of an input is not deleted yet
facts     all of it together
"""
