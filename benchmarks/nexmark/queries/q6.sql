-- The average selling price of each seller's last ten auctions, as of each auction.
SELECT seller, id, AVG(price) OVER (
    PARTITION BY seller ORDER BY `dateTime`, id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
  ) AS average_price
FROM (
  SELECT a.id, a.seller, b.price, b.`dateTime`,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.`dateTime`) AS place
  FROM auction AS a
  JOIN bid AS b ON a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
)
WHERE place = 1;
