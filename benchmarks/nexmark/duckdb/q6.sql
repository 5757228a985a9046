WITH won AS (
  SELECT a.id, a.seller, MAX(ROW(b.price, -epoch_ms(b.dateTime))) AS best
  FROM auction AS a JOIN bid AS b ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires
  GROUP BY a.id, a.seller
)
SELECT seller, id, CAST(SUM(best[1]) OVER last_ten // COUNT(*) OVER last_ten AS BIGINT) AS average_price
FROM won
WINDOW last_ten AS (PARTITION BY seller ORDER BY -best[2], id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
