-- The streaming word count: every line that arrives updates the counts of its words.
CREATE TABLE lines (
  line STRING
) WITH (
  'connector' = 'filesystem',
  'path' = 'examples/wordcount/words.txt',
  'format' = 'raw'
);

SELECT word, COUNT(*) AS n
FROM lines
CROSS JOIN UNNEST(SPLIT(REGEXP_REPLACE(line, '\s+', ' '), ' ')) AS t (word)
WHERE word <> ''
GROUP BY word;
