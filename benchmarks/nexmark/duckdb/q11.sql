WITH gaps AS (
  SELECT bidder, dateTime, dateTime > LAG(dateTime) OVER by_time + INTERVAL 10 SECOND AS opens
  FROM bid WINDOW by_time AS (PARTITION BY bidder ORDER BY dateTime)
), numbered AS (
  SELECT bidder, dateTime,
    COUNT(*) FILTER (WHERE opens) OVER (PARTITION BY bidder ORDER BY dateTime ROWS UNBOUNDED PRECEDING) AS session
  FROM gaps
)
SELECT bidder, COUNT(*) AS bids, MIN(dateTime) AS window_start, MAX(dateTime) + INTERVAL 10 SECOND AS window_end
FROM numbered GROUP BY bidder, session
