COPY (
  SELECT auction, bidder, price, dateTime, extra, strftime(dateTime, '%Y-%m-%d') AS dt,
    strftime(dateTime, '%H:%M') AS hm
  FROM bid
) TO 'duckdb_log' (FORMAT csv, PARTITION_BY (dt, hm), OVERWRITE_OR_IGNORE)
