SELECT p.id, p.name, make_timestamp(p.tumble * 10000000) AS window_start
FROM (SELECT DISTINCT id, name, epoch_ms(dateTime) // 10000 AS tumble FROM person) AS p
JOIN (SELECT DISTINCT seller, epoch_ms(dateTime) // 10000 AS tumble FROM auction) AS a
  ON p.id = a.seller AND p.tumble = a.tumble
