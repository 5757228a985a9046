"""A program with a streaming query inside: it reads sensor events from a generator and reacts to alerts as they come.

python examples/embedded/alerts.py
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import streamsql

START = datetime(2025, 1, 1)

READINGS = """
CREATE TABLE readings (
  sensor STRING, temperature DOUBLE, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '2' SECOND
)
"""
HOT = """
SELECT sensor, window_end, COUNT(*) AS readings, AVG(temperature) AS average
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(at), INTERVAL '1' MINUTE))
GROUP BY sensor, window_start, window_end
HAVING AVG(to_celsius(temperature)) > 30
"""


@streamsql.udf
def to_celsius(fahrenheit: float) -> float:
    """The same temperature on the other scale."""
    return (fahrenheit - 32) / 1.8


def events() -> Iterator[dict[str, object]]:
    """Four minutes of readings; the sensor `roof` is hot in the third."""
    for second in range(240):
        hot = second // 60 == 2
        at = START + timedelta(seconds=second)
        yield {"sensor": "cellar", "temperature": 50.0 + second % 3, "at": at}
        yield {"sensor": "roof", "temperature": (99.0 if hot else 77.0) + second % 5, "at": at}


def main() -> list[str]:
    """Push events in one thread, react to alerts in another; what was said."""
    said: list[str] = []
    with streamsql.connect() as session:
        session.create_function(to_celsius)
        session.execute(READINGS)
        readings = session.table("readings", keep_rows=False)
        alerts = session.sql(HOT).changes()

        def produce() -> None:
            with readings:
                for event in events():
                    readings.push(event)

        producer = threading.Thread(target=produce)
        producer.start()
        for change in alerts:
            row = change.row
            said.append(
                f"{row.window_end:%H:%M} {row.sensor} is hot: {row.average:.1f} °F over {row.readings} readings"
            )
            print(said[-1])
        producer.join()
    return said


if __name__ == "__main__":
    main()
