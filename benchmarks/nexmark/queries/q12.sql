-- How many bids a bidder made in each ten seconds of the clock on the wall.
CREATE VIEW timed_bid AS SELECT *, PROCTIME() AS come FROM bid;

SELECT bidder, COUNT(*) AS bids, window_start, window_end
FROM TABLE(TUMBLE(TABLE timed_bid, DESCRIPTOR(come), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
