-- Departures and average delay per airport and hour. Rows come in the order in which the flights really left, so
-- their scheduled time is out of order; a row more than two hours behind may find its hour closed: it is late.
CREATE TABLE departures (
  sched_dep TIMESTAMP(3),
  dep_ts TIMESTAMP(3),
  carrier STRING,
  flight BIGINT,
  tailnum STRING,
  origin STRING,
  dest STRING,
  dep_delay BIGINT,
  air_time BIGINT,
  distance BIGINT,
  WATERMARK FOR sched_dep AS sched_dep - INTERVAL '2' HOUR
) WITH (
  'connector' = 'filesystem',
  'path' = 'examples/flights/departures_january.parquet'
);

SELECT window_start, origin, COUNT(*) AS departures, AVG(CAST(dep_delay AS DOUBLE)) AS average_delay
FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, origin;
