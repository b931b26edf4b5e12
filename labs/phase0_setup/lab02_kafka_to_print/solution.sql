-- news_raw, price_raw: the topics as they are. Bytes, not fields: whatever arrives has to become a row,
-- or the dead letters could not hold it.
CREATE TABLE news_raw (
  record_key       BYTES,
  record_value     BYTES,
  kafka_topic      STRING           METADATA FROM 'topic'     VIRTUAL,
  kafka_partition  INT              METADATA FROM 'partition' VIRTUAL,
  kafka_offset     BIGINT           METADATA FROM 'offset'    VIRTUAL,
  kafka_timestamp  TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = '${news_topic}',
  ${kafka_properties},
  'properties.group.id' = '${group}',
  -- what a transaction has not committed may still be taken back
  'properties.isolation.level' = 'read_committed',
  -- a restart goes on from its checkpoint; only the very first start reads from the beginning
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
);

CREATE TABLE price_raw (
  kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'topic' = '${price_topic}'
) LIKE news_raw (OVERWRITING METADATA OVERWRITING OPTIONS);
