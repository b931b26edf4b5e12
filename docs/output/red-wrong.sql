SET 'execution.runtime-mode' = 'streaming';
SET 'table.local-time-zone' = 'Europe/London';
