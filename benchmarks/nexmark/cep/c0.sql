-- Falling prices of a bidder on an auction, up to the first that rises again.
SELECT auction, bidder, start_time, bottom_time, end_time
FROM bid
MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY `dateTime`
  MEASURES
    beginning.`dateTime` AS start_time,
    LAST(down.`dateTime`) AS bottom_time,
    LAST(up.`dateTime`) AS end_time
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST up
  PATTERN (beginning down+ up)
  DEFINE
    down AS (LAST(down.price, 1) IS NULL AND down.price < beginning.price) OR down.price < LAST(down.price, 1),
    up AS up.price > LAST(down.price, 1)
);
