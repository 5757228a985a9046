-- The main job: departures and their mean delay per origin and hour.
SELECT window_start, origin, COUNT(*) AS departures, AVG(dep_delay) AS mean_delay
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, origin;
--> Project(window_start, origin, departures, mean_delay)  changelog: append-only · key: (window_start, origin) · state: none
-->   WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[departures: COUNT(*), mean_delay: AVG(dep_delay)])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->     Scan(flights, columns=[origin, dep_delay, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- The same as a group window.
SELECT TUMBLE_START(sched_dep, INTERVAL '1' HOUR) AS hour, origin, COUNT(*) AS departures
FROM flights
GROUP BY TUMBLE(sched_dep, INTERVAL '1' HOUR), origin;
--> Project(hour: window_start, origin, departures)  changelog: append-only · key: (hour, origin) · state: none
-->   WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[departures: COUNT(*)])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->     Scan(flights, columns=[origin, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Conditions on rows, keys and windows all go below the window; one on a result stays above.
SELECT window_start, origin, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
WHERE dep_delay > 10 AND window_start >= TIMESTAMP '2013-02-01 00:00:00'
GROUP BY window_start, window_end, origin
HAVING origin <> 'JFK' AND COUNT(*) > 2;
--> Project(window_start, origin, n)  changelog: append-only · key: (window_start, origin) · state: none
-->   Filter[2](n > 2)  changelog: append-only · key: (origin, window_start) · state: none
-->     WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[n: COUNT(*)])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->       Filter(dep_delay > 10 AND origin <> 'JFK' AND sched_dep >= TIMESTAMP '2013-02-01 00:00:00.000')  changelog: append-only · time: sched_dep · state: none
-->         Scan(flights, columns=[origin, dep_delay, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- HOP: the condition on the window stays above, beside the range of time that it means for rows.
SELECT window_end, COUNT(*) AS n
FROM TABLE(HOP(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '30' MINUTE, INTERVAL '1' HOUR))
WHERE window_end BETWEEN TIMESTAMP '2013-02-01 00:00:00' AND TIMESTAMP '2013-03-01 00:00:00'
GROUP BY window_start, window_end;
--> Project(window_end, n)  changelog: append-only · key: (window_end) · state: none
-->   Filter[2](window_end >= TIMESTAMP '2013-02-01 00:00:00.000' AND window_end <= TIMESTAMP '2013-03-01 00:00:00.000')  changelog: append-only · key: (window_end) · state: none
-->     WindowAggregate(HOP(sched_dep, 30 min, 1 h), keys=[], calls=[n: COUNT(*)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 1 h
-->       Filter(sched_dep >= TIMESTAMP '2013-01-31 23:00:00.000' AND sched_dep < TIMESTAMP '2013-03-01 00:00:00.000')  changelog: append-only · time: sched_dep · state: none
-->         Scan(flights, columns=[sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- One window column is an ordinary updating GROUP BY.
SELECT window_end, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_end;
--> Aggregate(keys=[window_end], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (window_end) · state: number of keys (window_end)
-->   WindowAssign(TUMBLE(sched_dep, 1 h))  changelog: append-only · time: sched_dep, window_time · state: none
-->     Scan(flights, columns=[sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Sessions by their partition.
SELECT window_start, window_end, carrier, COUNT(*) AS n
FROM TABLE(SESSION(TABLE flights PARTITION BY carrier, DESCRIPTOR(sched_dep), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, carrier;
--> Project(window_start, window_end, carrier, n)  changelog: append-only · key: (window_start, window_end, carrier) · state: none
-->   WindowAggregate(SESSION(sched_dep, 10 min), keys=[carrier], calls=[n: COUNT(*)])  changelog: append-only · key: (carrier, window_start, window_end) · time: window_time · state: watermark + 10 min
-->     Scan(flights, columns=[carrier, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Global sessions by a key: an updating aggregate.
SELECT window_start, window_end, carrier, COUNT(*) AS n
FROM TABLE(SESSION(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, carrier;
--> Aggregate(keys=[window_start, window_end, carrier], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (window_start, window_end, carrier) · state: number of keys (window_start, window_end, carrier)
-->   WindowAssign(SESSION(sched_dep, 10 min))  changelog: append-only · time: sched_dep, window_time · state: watermark + 10 min
-->     Scan(flights, columns=[carrier, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- A window over the output of another, by window_time.
SELECT window_start, window_end, SUM(n) AS n
FROM TABLE(TUMBLE(TABLE counts, DESCRIPTOR(rt), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
--> Project[2](window_start, window_end, n)  changelog: append-only · key: (window_start, window_end) · state: none
-->   WindowAggregate[2](TUMBLE(rt, 1 d), keys=[], calls=[n: SUM(n)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 1 d
-->     Project(rt: window_time, n)  changelog: append-only · time: rt · state: none
-->       WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[n: COUNT(*)])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->         Scan(flights, columns=[origin, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- The same window columns again.
SELECT window_start, window_end, MAX(n) AS busiest FROM hourly GROUP BY window_start, window_end;
--> Project[2](window_start, window_end, busiest)  changelog: append-only · key: (window_start, window_end) · state: none
-->   WindowAggregate[2](WINDOW(window_start, window_end), keys=[], calls=[busiest: MAX(n)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 1 h
-->     Project(window_start, window_end, window_time, n)  changelog: append-only · time: window_time · state: none
-->       WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[n: COUNT(*)])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->         Scan(flights, columns=[origin, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Window Top-N.
SELECT window_start, origin, n
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC) AS place FROM hourly)
WHERE place <= 3;
--> Project[2](window_start, origin, n)  changelog: append-only · key: (window_start, origin) · state: none
-->   WindowRank(WINDOW(window_start, window_end), partition=[], order=[n DESC], ranks 1 to 3)  changelog: append-only · key: (window_start, window_end, origin) · time: window_time · state: watermark + 1 h
-->     Project(window_start, window_end, window_time, origin, n)  changelog: append-only · key: (window_start, window_end, origin) · time: window_time · state: none
-->       WindowAggregate(TUMBLE(sched_dep, 1 h), keys=[origin], calls=[n: COUNT(*)])  changelog: append-only · key: (origin, window_start, window_end) · time: window_time · state: watermark + 1 h
-->         Scan(flights, columns=[origin, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- Rows of a window without an aggregate.
SELECT origin, window_start
FROM TABLE(CUMULATE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR, INTERVAL '1' DAY))
WHERE dep_delay > 0;
--> Project(origin, window_start)  changelog: append-only · state: none
-->   WindowAssign(CUMULATE(sched_dep, 1 h, 1 d))  changelog: append-only · time: sched_dep, window_time · state: none
-->     Filter(dep_delay > 0)  changelog: append-only · time: sched_dep · state: none
-->       Scan(flights, columns=[origin, dep_delay, sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- An aggregate over an expression of the window and the row.
SELECT window_start, MAX(TIMESTAMPDIFF(MINUTE, window_start, sched_dep)) AS latest
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
--> Project[2](window_start, latest)  changelog: append-only · key: (window_start) · state: none
-->   WindowAggregate(WINDOW(window_start, window_end), keys=[], calls=[latest: MAX($0)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 1 h
-->     Project(window_start, window_end, window_time, $0: TIMESTAMPDIFF('MINUTE', window_start, sched_dep))  changelog: append-only · time: window_time · state: none
-->       WindowAssign(TUMBLE(sched_dep, 1 h))  changelog: append-only · time: sched_dep, window_time · state: none
-->         Scan(flights, columns=[sched_dep], watermark=sched_dep - INTERVAL '2' HOUR)  changelog: append-only · time: sched_dep · state: none

-- A computed time column.
SELECT window_end, COUNT(DISTINCT bidder) AS bidders, MAX(price) FILTER (WHERE auction > 7) AS top
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
--> Project[2](window_end, bidders, top)  changelog: append-only · key: (window_end) · state: none
-->   WindowAggregate(TUMBLE(ts, 10 s), keys=[], calls=[bidders: COUNT(DISTINCT bidder), top: MAX(price) FILTER (WHERE $0)])  changelog: append-only · key: (window_start, window_end) · time: window_time · state: watermark + 10 s
-->     Project(bidder, price, ts, $0: auction > 7)  changelog: append-only · time: ts · state: none
-->       Scan(bids, columns=[auction, bidder, price, ts], ts: TO_TIMESTAMP_LTZ(at, 3), watermark=ts - INTERVAL '5' SECOND)  changelog: append-only · time: ts · state: none · can fail
