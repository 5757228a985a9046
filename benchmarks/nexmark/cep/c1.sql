-- The longest runs of bids of a bidder on an auction that stay cheap on average: no two overlap.
SELECT auction, bidder, start_time, end_time, avg_price
FROM bid
MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY `dateTime`
  MEASURES
    FIRST(cheap.`dateTime`) AS start_time,
    LAST(cheap.`dateTime`) AS end_time,
    AVG(cheap.price) AS avg_price
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (cheap+ after)
  DEFINE
    cheap AS AVG(cheap.price) < 10000
);
