-- How many bids a bidder made in each ten seconds of the clock on the wall.
CREATE VIEW bid_now AS SELECT *, PROCTIME() AS now FROM bid;

SELECT bidder, COUNT(*) AS bids, window_start, window_end
FROM TABLE(TUMBLE(TABLE bid_now, DESCRIPTOR(now), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
