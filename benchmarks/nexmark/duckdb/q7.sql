WITH highest AS (
  SELECT epoch_ms(dateTime) // 10000 AS tumble, MAX(price) AS price FROM bid GROUP BY tumble
)
SELECT b.auction, b.bidder, b.price, b.dateTime, b.extra
FROM bid AS b JOIN highest AS h ON b.price = h.price
  AND b.dateTime BETWEEN make_timestamp(h.tumble * 10000000) AND make_timestamp((h.tumble + 1) * 10000000)
