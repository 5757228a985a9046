-- Word count.
SELECT word, COUNT(*) AS n FROM lines CROSS JOIN UNNEST(SPLIT(line, ' ')) AS words (word) WHERE word <> '' GROUP BY word;
--> Aggregate(keys=[word], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (word) · state: number of keys (word)
-->   Filter(word <> '')  changelog: append-only · state: none
-->     Unnest(SPLIT(line, ' ') AS [word])  changelog: append-only · state: none
-->       Scan(lines, columns=[line])  changelog: append-only · state: none

-- Without windows the watermark is not needed, so the reader may filter; what no one reads is not read.
SELECT origin, dep_delay + 1 AS more FROM flights WHERE carrier = 'UA' AND dep_delay > 3 * 20 AND origin LIKE 'J%';
--> Project(origin, more: dep_delay + 1)  changelog: append-only · state: none · can fail
-->   Filter(carrier = 'UA' AND dep_delay > 60 AND origin LIKE 'J%')  changelog: append-only · state: none
-->     Scan(flights, columns=[origin, carrier, dep_delay], reader filter=carrier = 'UA' AND dep_delay > 60)  changelog: append-only · state: none

-- HAVING on a key goes to the reader, on a count it stays.
SELECT carrier, COUNT(*) AS n FROM flights GROUP BY carrier HAVING carrier > 'B' AND COUNT(*) > 1;
--> Filter[2](n > 1)  changelog: updating by GROUP BY · key: (carrier) · state: none
-->   Aggregate(keys=[carrier], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (carrier) · state: number of keys (carrier)
-->     Filter(carrier > 'B')  changelog: append-only · state: none
-->       Scan(flights, columns=[carrier], reader filter=carrier > 'B')  changelog: append-only · state: none

-- A division stays behind the condition that guards it.
SELECT carrier FROM (SELECT carrier, dep_delay AS d FROM flights WHERE dep_delay <> 0) WHERE 100 / d > 1;
--> Filter(dep_delay <> 0 AND 100 / dep_delay > 1)  changelog: append-only · state: none · can fail
-->   Scan(flights, columns=[carrier, dep_delay])  changelog: append-only · state: none

-- A histogram of counts: extremes over an updating input keep their values.
SELECT n, MAX(carrier) AS last FROM (SELECT carrier, COUNT(*) AS n FROM flights GROUP BY carrier) GROUP BY n;
--> Aggregate[2](keys=[n], calls=[last: MAX(carrier)])  changelog: updating by GROUP BY · key: (n) · state: number of keys (n, carrier)
-->   Aggregate(keys=[carrier], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (carrier) · state: number of keys (carrier)
-->     Scan(flights, columns=[carrier])  changelog: append-only · state: none

-- DISTINCT, ORDER BY, LIMIT.
SELECT DISTINCT origin FROM flights ORDER BY origin DESC LIMIT 2 OFFSET 1;
--> Limit(2, offset=1)  changelog: append-only · key: (origin) · state: none
-->   Sort(origin DESC)  changelog: append-only · key: (origin) · state: UNBOUNDED (all rows)
-->     Aggregate(keys=[origin], calls=[])  changelog: updating by DISTINCT · key: (origin) · state: number of keys (origin)
-->       Scan(flights, columns=[origin])  changelog: append-only · state: none

-- A table united with itself is read once.
SELECT origin AS code FROM flights WHERE dep_delay > 0 UNION ALL SELECT carrier FROM flights;
--> Union(code)  changelog: append-only · state: none
-->   Project[2](code: origin)  changelog: append-only · state: none
-->     Filter(dep_delay > 0)  changelog: append-only · state: none
-->       Project(origin, dep_delay)  changelog: append-only · state: none
-->         Scan(flights, columns=[origin, carrier, dep_delay])  changelog: append-only · state: none
-->   Project[3](carrier)  changelog: append-only · state: none
-->     Scan(flights, columns=[origin, carrier, dep_delay])  changelog: append-only · state: none

-- LISTAGG grows with its input.
SELECT origin, LISTAGG(carrier, '; ') AS carriers, COUNT(DISTINCT carrier) AS n FROM flights GROUP BY origin;
--> Aggregate(keys=[origin], calls=[carriers: LISTAGG(carrier, '; '), n: COUNT(DISTINCT carrier)])  changelog: updating by GROUP BY · key: (origin) · state: UNBOUNDED (values of LISTAGG)
-->   Scan(flights, columns=[origin, carrier])  changelog: append-only · state: none

-- Constants need no table.
SELECT 1 + 1 AS two, UPPER('a') AS a;
--> Project(two: 2, a: 'A')  changelog: append-only · state: none
-->   Values(())  changelog: append-only · state: none
