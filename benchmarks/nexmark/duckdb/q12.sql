SELECT bidder, COUNT(*) AS bids, TIMESTAMP '2025-01-01 00:00:00' AS window_start,
  TIMESTAMP '2025-01-01 00:00:10' AS window_end
FROM bid GROUP BY bidder
