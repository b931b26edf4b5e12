-- news_raw, price_raw: the topics as they are. Bytes, not fields: whatever arrives has to become a row,
-- or the dead letters could not hold it.
-- ${news_topic}, ${price_topic} and ${group} are names that the system gives, ${kafka_properties} is how to
-- reach the broker.
CREATE TABLE news_raw (
  -- BEGIN SOLUTION step 2: where the record stands and when it came, as Kafka says
  kafka_topic      STRING           METADATA FROM 'topic'     VIRTUAL,
  kafka_partition  INT              METADATA FROM 'partition' VIRTUAL,
  kafka_offset     BIGINT           METADATA FROM 'offset'    VIRTUAL,
  kafka_timestamp  TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  -- END SOLUTION
  -- BEGIN SOLUTION step 1: key and value as they came
  record_key       BYTES,
  record_value     BYTES
  -- STARTS AS
  -- record_key       STRING,
  -- record_value     STRING
  -- END SOLUTION
) WITH (
  'connector' = 'kafka',
  'topic' = '${news_topic}',
  ${kafka_properties},
  -- BEGIN SOLUTION step 3: under which name it reads, which records, and from where
  'properties.group.id' = '${group}',
  -- what a transaction has not committed may still be taken back
  'properties.isolation.level' = 'read_committed',
  -- a restart goes on from its checkpoint; only the very first start reads from the beginning
  'scan.startup.mode' = 'earliest-offset',
  -- STARTS AS
  -- 'properties.group.id' = 'marketlag',
  -- 'scan.startup.mode' = 'latest-offset',
  -- END SOLUTION
  -- BEGIN SOLUTION step 1: key and value as they came
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  -- END SOLUTION
  'scan.watermark.emit.strategy' = 'on-event'
);

CREATE TABLE price_raw (
  kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'topic' = '${price_topic}'
) LIKE news_raw (OVERWRITING METADATA OVERWRITING OPTIONS);

-- For you to look at. MarketLag takes the tables above; no job of its reads or writes these.

-- news_print: its rows become lines of the TaskManager's standard output
CREATE TABLE news_print (
  kafka_partition  INT,
  kafka_offset     BIGINT,
  record_key       STRING,
  record_value     STRING
) WITH (
  'connector' = 'print',
  'print-identifier' = 'news'
);

-- BEGIN SOLUTION step 4: print every record as text
INSERT INTO news_print
SELECT kafka_partition, kafka_offset, CAST(record_key AS STRING), CAST(record_value AS STRING)
FROM news_raw;
-- END SOLUTION

-- news_copy: the same records once more. Its kafka_timestamp is not VIRTUAL: it can be written.
CREATE TABLE news_copy (
  kafka_timestamp  TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  record_key       BYTES,
  record_value     BYTES
) WITH (
  -- BEGIN SOLUTION step 5: each record once more, with the key, the value and the time that it had
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  -- END SOLUTION
  'connector' = 'kafka',
  'topic' = '${news_topic}.copy',
  ${kafka_properties}
);

-- BEGIN SOLUTION step 5: each record once more, with the key, the value and the time that it had
INSERT INTO news_copy
SELECT kafka_timestamp, record_key, record_value FROM news_raw;
-- END SOLUTION
