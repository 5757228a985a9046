-- Bids with what a small table says of their auctions when they come.
SELECT b.auction, b.bidder, b.price, b.`dateTime`, s.note
FROM (SELECT *, PROCTIME() AS p_time FROM bid) AS b
JOIN side_input FOR SYSTEM_TIME AS OF b.p_time AS s ON MOD(b.auction, 10000) = s.id;
