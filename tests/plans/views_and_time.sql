-- Views and WITH items leave no trace: one filter, one projection.
WITH late AS (SELECT origin, dep_delay * 60 AS seconds FROM flights WHERE dep_delay > 15),
  later AS (SELECT origin, seconds + 1 AS s FROM late WHERE origin <> 'JFK')
SELECT s FROM later WHERE s < 7200;

-- A filter below a window stays behind the reader: the rows that it drops still move the watermark.
SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE((SELECT * FROM flights WHERE carrier = 'UA'), DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;

-- Constants are computed before anything runs.
SELECT origin, UPPER('x') || 'y' AS xy FROM flights WHERE 2 * 3 > 5 AND dep_delay > 10 - 3;

-- A window over the union of two readings of a table.
SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE((SELECT sched_dep FROM flights WHERE dep_delay > 0 UNION ALL SELECT sched_dep FROM flights),
  DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;

-- Deduplication within a window keeps one row a key.
SELECT carrier, dep_delay
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, carrier ORDER BY sched_dep DESC) AS rn
  FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR)))
WHERE rn = 1;

-- An aggregate over an aggregate over windows: the middle one makes it updating.
SELECT n, COUNT(*) AS origins FROM (SELECT origin, COUNT(*) AS n FROM hourly GROUP BY origin) GROUP BY n HAVING n > 2;
