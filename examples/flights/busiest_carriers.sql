-- The three carriers with the most departures in each day, as soon as the day is over.
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

SELECT window_start, carrier, departures, position_of_day
FROM (
  SELECT window_start, window_end, carrier, departures,
    ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY departures DESC, carrier) AS position_of_day
  FROM (
    SELECT window_start, window_end, carrier, COUNT(*) AS departures
    FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(sched_dep), INTERVAL '1' DAY))
    GROUP BY window_start, window_end, carrier
  )
)
WHERE position_of_day <= 3;
