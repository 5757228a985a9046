-- The auctions with most bids in the last ten seconds, every two seconds.
WITH counts AS (
  SELECT auction, COUNT(*) AS bids, window_start, window_end
  FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
  GROUP BY auction, window_start, window_end
)
SELECT c.auction, c.bids, c.window_start, c.window_end
FROM counts AS c
JOIN (
  SELECT MAX(bids) AS most, window_start, window_end
  FROM counts
  GROUP BY window_start, window_end
) AS m
ON c.window_start = m.window_start AND c.window_end = m.window_end AND c.bids >= m.most;
