"""The recorded world: what feeds and markets answered at each minute, made by a seed, served over HTTP.

generate    a seed and hours -> a world, and what stands in it
  story       what happens to one market, hour by hour: the plan
  news        its feed's items, worded by headlines
  prices      what its order book answers
  strays      records that somebody else writes to our topics
  faults      when providers fail, and how
server      the world as it stood at the minute its clock shows
  timeline    what one feed showed when
  rss         a feed's items as RSS 2.0
"""
