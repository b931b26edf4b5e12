"""Pictures of what a terminal cannot show, from what labkit.testing takes and returns.

events      rows on event time against arrival, the watermark, and windows that it closes
changelog   changes in the order in which they came, and the table that they make
plan        the operators of a query, with the one that matters marked
state       what a keyed function keeps, over event time
windows     windows as bars on event time, one way to make them beside the other
partitions  records of topics by partition and offset, and where a reading begins
slots       the slots of a cluster, with the jobs and subtasks in them

Each gives a Picture: a notebook shows it in the page's own colours, `describe()` says the same in words,
`figure` is matplotlib's, `svg()` is a file. Times are UTC. The same input makes the same picture.

    picture     figure -> SVG that is readable in light and in dark, and its words
    colours     four colours for marks, and how much they stand out
    clocks      ticks on event time; values as short as a script would have them
    timeline, changes, operators, keyed, lanes, topics, cluster     one drawing each
"""

from labkit.draw.changes import changelog
from labkit.draw.cluster import slots
from labkit.draw.keyed import state
from labkit.draw.lanes import windows
from labkit.draw.operators import plan
from labkit.draw.picture import Picture
from labkit.draw.timeline import events
from labkit.draw.topics import partitions

__all__ = ["Picture", "changelog", "events", "partitions", "plan", "slots", "state", "windows"]
