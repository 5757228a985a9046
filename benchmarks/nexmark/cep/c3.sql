-- A price that drops by more than 50 within five seconds.
SELECT auction, bidder, drop_time, drop_difference
FROM bid
MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY `dateTime`
  MEASURES
    low.`dateTime` AS drop_time,
    high.price - low.price AS drop_difference
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (high between_them* low) WITHIN INTERVAL '5' SECOND
  DEFINE
    between_them AS between_them.price > high.price - 50,
    low AS low.price < high.price - 50
);
