-- Waves of trouble: runs of departures at least an hour late from one airport, with no more than 30 minutes of
-- scheduled time between two of them.
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

SELECT origin, window_start, window_end, COUNT(*) AS delayed, MAX(dep_delay) AS worst
FROM TABLE(SESSION(
  TABLE departures PARTITION BY origin, DESCRIPTOR(sched_dep), INTERVAL '30' MINUTE))
WHERE dep_delay >= 60
GROUP BY origin, window_start, window_end
HAVING COUNT(*) >= 5;
