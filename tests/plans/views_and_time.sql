-- Views and WITH items leave no trace: one filter, one projection.
WITH late AS (SELECT origin, dep_delay * 60 AS seconds FROM flights WHERE dep_delay > 15),
  later AS (SELECT origin, seconds + 1 AS s FROM late WHERE origin <> 'JFK')
SELECT s FROM later WHERE s < 7200;
--> Project(s: dep_delay * 60 + 1)  changelog: append-only · state: none · can fail
-->   Filter(dep_delay > 15 AND origin <> 'JFK' AND dep_delay * 60 + 1 < 7200)  changelog: append-only · state: none · can fail
-->     Scan(flights, columns=[origin, dep_delay], reader filter=dep_delay > 15)  changelog: append-only · state: none

-- A filter below a window stays behind the reader: the rows that it drops still move the watermark.
SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE((SELECT * FROM flights WHERE carrier = 'UA'), DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
--> Project(window_start, n)  changelog: append-only · key: (window_start) · state: none
-->   WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[], calls=[n: COUNT(*)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 1 h
-->     Filter(carrier = 'UA')  changelog: append-only · time: sched_dep · state: none
-->       Scan(flights, columns=[carrier, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Constants are computed before anything runs.
SELECT origin, UPPER('x') || 'y' AS xy FROM flights WHERE 2 * 3 > 5 AND dep_delay > 10 - 3;
--> Project(origin, xy: 'Xy')  changelog: append-only · state: none
-->   Filter(dep_delay > 7)  changelog: append-only · state: none
-->     Scan(flights, columns=[origin, dep_delay], reader filter=dep_delay > 7)  changelog: append-only · state: none

-- A window over the union of two readings of a table.
SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE((SELECT sched_dep FROM flights WHERE dep_delay > 0 UNION ALL SELECT sched_dep FROM flights),
  DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
--> Project[2](window_start, n)  changelog: append-only · key: (window_start) · state: none
-->   WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[], calls=[n: COUNT(*)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 1 h
-->     Union(sched_dep)  changelog: append-only · time: sched_dep · state: none
-->       Filter(dep_delay > 0)  changelog: append-only · time: sched_dep · state: none
-->         Scan(flights, columns=[dep_delay, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none
-->       Project(sched_dep)  changelog: append-only · time: sched_dep · state: none
-->         Scan(flights, columns=[dep_delay, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Deduplication within a window keeps one row a key.
SELECT carrier, dep_delay
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, carrier ORDER BY sched_dep DESC) AS rn
  FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR)))
WHERE rn = 1;
--> Project(carrier, dep_delay)  changelog: append-only · state: none
-->   WindowRank(WINDOW(window_start, window_end), partition=[carrier], order=[sched_dep DESC], ranks 1 to 1)  changelog: append-only · key: (carrier, window_start, window_end) · time: sched_dep, window_time · state: watermark + 1 h
-->     WindowAssign(TUMBLE(sched_dep, 1 h))  changelog: append-only · time: sched_dep, window_time · state: none
-->       Scan(flights, columns=[carrier, dep_delay, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- An aggregate over an aggregate over windows: the middle one makes it updating.
SELECT n, COUNT(*) AS origins FROM (SELECT origin, COUNT(*) AS n FROM hourly GROUP BY origin) GROUP BY n HAVING n > 2;
--> Aggregate[2](keys=[n], calls=[origins: COUNT(*)])  changelog: updating by GROUP BY · key: (n) · state: number of keys (n)
-->   Project[2](n)  changelog: updating by GROUP BY · state: none
-->     Filter(n > 2)  changelog: updating by GROUP BY · key: (origin) · state: none
-->       Aggregate(keys=[origin], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (origin) · state: number of keys (origin)
-->         Project(origin)  changelog: append-only · state: none
-->           WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->             Scan(flights, columns=[origin, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none
