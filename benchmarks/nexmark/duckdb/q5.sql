WITH slices AS (
  SELECT auction, epoch_ms(dateTime) // 2000 AS slice, COUNT(*) AS bids FROM bid GROUP BY ALL
), counts AS (
  SELECT auction, slice + hop AS last, SUM(bids) AS bids FROM slices, range(5) AS hops(hop) GROUP BY ALL
)
SELECT auction, CAST(bids AS BIGINT) AS bids, make_timestamp((last - 4) * 2000000) AS window_start,
  make_timestamp((last + 1) * 2000000) AS window_end
FROM counts JOIN (SELECT last, MAX(bids) AS bids FROM counts GROUP BY last) USING (last, bids)
