"""The recorded world: what a feed showed at each minute, written by a seeded generator, served over HTTP.

generate   the generator: seed and hours -> a world
server     the world as it stood at the minute its clock shows
"""
